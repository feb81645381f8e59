using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport.Tests.Connecting;

/// <summary>A transport that only connects, without a host.</summary>
internal static class ClientOnly
{
    public static TransportFactory Create(
        TransportVariant variant,
        TimeSpan? connectTimeout = null,
        Func<DnsEndPoint, CancellationToken, Task<IPAddress[]>>? resolve = null)
    {
        // Generous unless a test wants it over: what is expected to connect has the time of every other await.
        TimeSpan limit = connectTimeout ?? TimeLimit.Current;
        resolve ??= static (_, _) => throw new NotSupportedException("No name is resolved here.");
        if (variant.Kind == TransportKind.Epoll)
        {
            var options = new EpollTransportOptions { LoopCount = variant.Loops, ApplicationScheduling = variant.Scheduling, ConnectTimeout = limit };
            return new EpollTransportFactory(Options.Create(options), NullLoggerFactory.Instance) { Resolve = resolve };
        }

        var uring = new IoUringTransportOptions
        {
            LoopCount = variant.Loops,
            ApplicationScheduling = variant.Scheduling,
            ConnectTimeout = limit,
            Fallback = IoUringFallback.Fail,
        };
        return new IoUringTransportFactory(Options.Create(uring), NullLoggerFactory.Instance) { Resolve = resolve };
    }

    /// <summary>How many connections the loops count, those under way included.</summary>
    public static int ConnectionCount(this TransportFactory factory) => factory.Loops?.Loops.Sum(loop => loop.ConnectionCount) ?? 0;
}
