using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A client made of a socket: sends any bytes, reads frames.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private static readonly RpcFrameLimits Limits = new() { MaxBodyLength = 64 * 1024 * 1024 };

    private readonly Stream _stream;
    private byte[] _received = [];

    private RawPeer(Socket socket, Stream stream)
    {
        Socket = socket;
        _stream = stream;
    }

    public Socket Socket { get; }

    public static async Task<RawPeer> ConnectAsync(EndPoint endPoint, bool tls = false)
    {
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Unspecified) { NoDelay = true };
        await socket.ConnectAsync(endPoint).InTime();
        Stream stream = new NetworkStream(socket, ownsSocket: true);
        if (tls)
        {
            SslStream secured = new(stream, leaveInnerStreamOpen: false, (_, certificate, _, _) => Tls.IsOurs(certificate));
            await secured.AuthenticateAsClientAsync("localhost").InTime();
            stream = secured;
        }

        return new RawPeer(socket, stream);
    }

    public Task SendAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes).InTime();

    public void EndSending() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with a reset.</summary>
    public void Reset()
    {
        Socket.LingerState = new LingerOption(true, 0);
        Socket.Close();
    }

    public async Task<byte[]> ReceiveExactlyAsync(int count)
    {
        byte[] bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes).InTime();
        return bytes;
    }

    public async Task<RawReply> ReceiveAsync()
    {
        while (true)
        {
            if (TryRead(out RawReply? reply))
            {
                return reply!;
            }

            byte[] chunk = await ReceiveSomeAsync();
            Assert.True(chunk.Length > 0, $"The server closed the connection with {_received.Length} bytes of a frame.");
            _received = [.. _received, .. chunk];
        }
    }

    public async Task<IReadOnlyList<RawReply>> ReceiveAsync(int count)
    {
        List<RawReply> replies = [];
        while (replies.Count < count)
        {
            replies.Add(await ReceiveAsync());
        }

        return replies;
    }

    /// <summary>Expects that the server closes the connection and has sent nothing more.</summary>
    public async Task ExpectEndAsync()
    {
        Assert.Empty(_received);
        try
        {
            Assert.Empty(await ReceiveSomeAsync());
        }
        catch (IOException)
        {
            // A reset ends a connection as well.
        }
    }

    /// <summary>Everything the server sends until it closes.</summary>
    public async Task<byte[]> ReceiveToEndAsync()
    {
        using MemoryStream all = new();
        await _stream.CopyToAsync(all).InTime();
        return all.ToArray();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<byte[]> ReceiveSomeAsync()
    {
        byte[] chunk = new byte[16 * 1024];
        int count = await _stream.ReadAsync(chunk).InTime();
        return chunk[..count];
    }

    private bool TryRead(out RawReply? reply)
    {
        ReadOnlySequence<byte> buffer = new(_received);
        RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, Limits, out RpcFrame frame, out RpcFrameError error);
        Assert.True(status != RpcFrameReadStatus.Error, error.Describe());
        if (status != RpcFrameReadStatus.Frame)
        {
            reply = null;
            return false;
        }

        Assert.True(RpcProtocolData.TryReadReply(frame.ProtocolData, out RpcProtocolData data, out RpcProtocolDataError fault), fault.ToString());
        Assert.Equal(RpcFrameType.Response, frame.Header.Type);
        reply = new RawReply(frame.Header, data, frame.Body.ToArray());
        _received = buffer.ToArray();
        return true;
    }
}
