using Kestrel.Rpc.Transport;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Puts Kestrel on one of the Linux transports.</summary>
public static class LinuxTransportExtensions
{
    /// <summary>
    /// Serves every TCP and Unix-socket end point of Kestrel with io_uring, or with epoll where the kernel has no usable
    /// io_uring (a warning says why). End points of other kinds stay with the transports registered before.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IWebHostBuilder UseIoUring(this IWebHostBuilder builder, Action<IoUringTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddIoUringTransport(configure));
    }

    /// <summary>Serves every TCP and Unix-socket end point of Kestrel with epoll.</summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IWebHostBuilder UseEpoll(this IWebHostBuilder builder, Action<EpollTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddEpollTransport(configure));
    }

    /// <summary>
    /// Serves every TCP and Unix-socket end point of Kestrel with a thread for each connection, which its handler may block.
    /// See <see cref="BlockingTransportOptions"/> for when to take it.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IWebHostBuilder UseBlocking(this IWebHostBuilder builder, Action<BlockingTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddBlockingTransport(configure));
    }
}
