using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>Puts the host on the transport asked for, and on no other.</summary>
internal static class Transports
{
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    public static void Use(IWebHostBuilder host, ServeSettings settings)
    {
        bool inline = settings.Scheduling == Scheduling.Inline;
        if (settings.Transport == TransportKind.Sockets)
        {
            if (inline)
            {
                // The runtime reads it when it makes its first asynchronous socket, and here none has been made yet.
                Environment.SetEnvironmentVariable(InlineCompletions, "1");
            }

            host.UseSockets(options =>
            {
                options.UnsafePreferInlineScheduling = inline;
                options.IOQueueCount = settings.Loops ?? options.IOQueueCount;
            });
            return;
        }

        // Without Sockets in the collection nothing else can serve the end point under this transport's name.
        host.ConfigureServices(services => services.RemoveAll<IConnectionListenerFactory>());
        if (settings.Transport == TransportKind.Epoll)
        {
            host.UseEpoll(Configure);
        }
        else
        {
            host.UseIoUring(options =>
            {
                options.Fallback = IoUringFallback.Fail;
                Configure(options);
            });
        }

        void Configure(LinuxTransportOptions options)
        {
            options.ApplicationScheduling = inline ? ApplicationScheduling.Inline : ApplicationScheduling.ThreadPool;
            options.LoopCount = settings.Loops;
            options.AcceptStrategy = settings.ReusePort ? AcceptStrategy.ReusePort : AcceptStrategy.SharedListener;
            if (settings.Polling)
            {
                options.Polling.SpinTime = Timeout.InfiniteTimeSpan;
            }
        }
    }
}
