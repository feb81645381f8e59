using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>The golden Hello("world") of docs/wire-protocol.md over a bare socket: no code of ours takes part.</summary>
internal static class GoldenCall
{
    private const string ProtocolData =
        "7b22736572766963655f6e616d65223a2268656c6c6f776f726c64222c" // {"service_name":"helloworld",
        + "226d6574686f645f6e616d65223a2248656c6c6f227d";           // "method_name":"Hello"}

    public static readonly byte[] Request = Convert.FromHexString("12340101000000010000003300000007" + ProtocolData + "0a05776f726c64");

    public static readonly byte[] Reply =
        Convert.FromHexString("1234010200000001000000330000000d" + ProtocolData + "0a0b48656c6c6f20776f726c64");

    /// <summary>Sends the bytes, ends the sending side, and returns everything the server sent before it closed.</summary>
    public static async Task<byte[]> ExchangeAsync(int port, byte[] sent)
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port).WaitAsync(RunningProcess.Limit);
        await using NetworkStream stream = new(socket);
        await stream.WriteAsync(sent).AsTask().WaitAsync(RunningProcess.Limit);
        socket.Shutdown(SocketShutdown.Send);

        using MemoryStream received = new();
        await stream.CopyToAsync(received).WaitAsync(RunningProcess.Limit);
        return received.ToArray();
    }

    /// <summary>A port nobody listened on a moment ago.</summary>
    public static int FreePort()
    {
        using Socket probe = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }
}
