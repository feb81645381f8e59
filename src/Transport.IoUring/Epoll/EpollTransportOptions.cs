namespace Kestrel.Rpc.Transport;

/// <summary>Options of the epoll transport.</summary>
public sealed class EpollTransportOptions : LinuxTransportOptions;
