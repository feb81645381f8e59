namespace Hello;

internal static class TransportChoice
{
    /// <summary>Chooses what carries the bytes. The Linux transports log which engine serves, and why if it is another one.</summary>
    public static IWebHostBuilder UseTransport(this IWebHostBuilder host, string transport) => transport switch
    {
        "io_uring" => host.UseIoUring(),
        "epoll" => host.UseEpoll(),
        _ => host,
    };
}
