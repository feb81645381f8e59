using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>A listener on loopback that hands its connections to the test.</summary>
internal sealed class SocketServer : IDisposable
{
    private readonly Socket _listener;

    public SocketServer(EndPoint? endPoint = null)
    {
        endPoint ??= new IPEndPoint(IPAddress.Loopback, 0);
        _listener = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(endPoint);
        _listener.Listen(16);
    }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    public Task<Socket> AcceptAsync() => _listener.AcceptAsync().Within();

    public async Task<(RpcConnection Client, Socket Peer)> ConnectAsync(RpcConnectionOptions? options = null)
    {
        options ??= new RpcConnectionOptions();
        options.ProtocolVersion = 1;
        RpcConnection client = await RpcConnection.ConnectAsync(EndPoint, options).Within();
        return (client, await AcceptAsync());
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>Answers every request with its own body, a batch at a time and the last of a batch first, until the client's FIN.</summary>
    public static async Task EchoInReverseAsync(Socket peer)
    {
        await using NetworkStream stream = new(peer, ownsSocket: true);
        PipeReader input = PipeReader.Create(stream);
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            List<byte[]> replies = [];
            while (RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame)
            {
                replies.Add(Wire.Frame(frame.Header.SequenceId, frame.ProtocolData.ToArray(), frame.Body.ToArray()));
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            replies.Reverse();
            if (replies.Count > 0)
            {
                await stream.WriteAsync(replies.SelectMany(reply => reply).ToArray());
            }

            if (result.IsCompleted)
            {
                return;
            }
        }
    }
}
