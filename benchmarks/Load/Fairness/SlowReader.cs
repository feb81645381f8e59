using System.Net.Sockets;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>A connection that calls as fast as the server takes it, and hardly reads.</summary>
internal sealed class SlowReader : IDisposable
{
    private const int BytesReadAtOnce = 256;

    private static readonly byte[] Request = MakeRequests();

    private readonly Socket _socket = LoopbackSocket.Create();
    private readonly byte[] _input = new byte[BytesReadAtOnce];
    private int _sent; // of the requests

    public SlowReader(int port)
    {
        LoopbackSocket.Connect(_socket, port, 0);
        _socket.Blocking = false;
    }

    /// <summary>Sends what the kernel takes, reads a little. Every 10 ms.</summary>
    public void Turn()
    {
        _ = _socket.Send(Request.AsSpan(_sent), SocketFlags.None, out SocketError error) is > 0 and int sent ? _sent = (_sent + sent) % Request.Length : 0;
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            throw new LoadException($"the slow reader cannot send: {error}");
        }

        _socket.Receive(_input, SocketFlags.None, out error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            throw new LoadException($"the slow reader cannot receive: {error}");
        }
    }

    public void Dispose() => _socket.Dispose();

    private static byte[] MakeRequests()
    {
        System.Buffers.ArrayBufferWriter<byte> output = new();
        for (uint id = 1; id <= 1000; id++)
        {
            RpcFrameWriter.Write(
                output, RpcFrameType.Request, id, new RpcMethodName("helloworld", "Hello").ProtocolData.Span, new HelloRequest { Msg = "world" }.ToByteArray());
        }

        return output.WrittenSpan.ToArray();
    }
}
