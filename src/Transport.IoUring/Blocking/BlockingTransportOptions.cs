namespace Kestrel.Rpc.Transport;

/// <summary>
/// Options of the blocking transport, which gives every connection a thread of its own. Take it for few connections whose
/// handlers may block or compute for long, or whose latency must not depend on other connections. For many connections, or many
/// that are idle, take the epoll or the io_uring transport: a thread costs memory and a switch for every message.
/// </summary>
/// <remarks>
/// Other defaults than elsewhere: <see cref="LinuxTransportOptions.ApplicationScheduling"/> is
/// <see cref="ApplicationScheduling.Inline"/>, which runs the application on its connection's thread, where it may block; and
/// <see cref="LinuxTransportOptions.MaxConnections"/> is 1,000, because it limits the threads.
/// <see cref="LinuxTransportOptions.LoopCount"/> must stay <see langword="null"/>.
/// </remarks>
public sealed class BlockingTransportOptions : LinuxTransportOptions
{
    /// <summary>Options with the defaults of this transport.</summary>
    public BlockingTransportOptions()
    {
        ApplicationScheduling = ApplicationScheduling.Inline;
        MaxConnections = 1000;
    }
}
