namespace Kestrel.Rpc.Transport.Tests;

public sealed class FileHandleTests
{
    [Theory, Transports]
    public Task FileHandle_Tcp_Serves(TransportVariant transport) => FileHandleChecks.TcpHandleAsync(transport);

    [Theory, Transports]
    public Task FileHandle_AutoOfTcp_Serves(TransportVariant transport) => FileHandleChecks.AutoHandleOfTcpAsync(transport);

    [Theory, Transports]
    public Task FileHandle_AutoOfUnixSocket_Serves(TransportVariant transport) => FileHandleChecks.AutoHandleOfUnixSocketAsync(transport);
}
