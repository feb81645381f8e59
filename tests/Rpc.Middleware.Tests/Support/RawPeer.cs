using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A client made of a socket: sends any bytes, reads frames.</summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private static readonly RpcFrameLimits Limits = new() { MaxBodyLength = 64 * 1024 * 1024 };

    private static readonly RpcFrameRules Version2Rules = new(null, Limits);

    private readonly Stream _stream;
    private readonly PipeReader _input;

    private RawPeer(Socket socket, Stream stream)
    {
        Socket = socket;
        _stream = stream;
        _input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, leaveOpen: true));
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
        ReadResult read = await _input.ReadAtLeastAsync(count).InTime();
        Assert.True(read.Buffer.Length >= count, $"The server closed the connection after {read.Buffer.Length} of {count} bytes.");
        ReadOnlySequence<byte> bytes = read.Buffer.Slice(0, count);
        byte[] copy = bytes.ToArray();
        _input.AdvanceTo(bytes.End);
        return copy;
    }

    /// <summary>The next byte; <see langword="null"/> at the end of the connection.</summary>
    public async Task<byte?> TryReceiveByteAsync()
    {
        ReadResult read = await _input.ReadAsync().InTime();
        if (read.Buffer.IsEmpty)
        {
            return null;
        }

        byte first = read.Buffer.FirstSpan[0];
        _input.AdvanceTo(read.Buffer.GetPosition(1));
        return first;
    }

    public async Task<RawReply> ReceiveAsync()
    {
        while (true)
        {
            ReadResult read = await _input.ReadAsync().InTime();
            ReadOnlySequence<byte> buffer = read.Buffer;
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, Limits, out RpcFrame frame, out RpcFrameError error);
            Assert.True(status != RpcFrameReadStatus.Error, error.Describe());
            if (status == RpcFrameReadStatus.Frame)
            {
                RawReply reply = ToReply(frame);
                _input.AdvanceTo(buffer.Start);
                return reply;
            }

            Assert.False(read.IsCompleted, $"The server closed the connection with {buffer.Length} bytes of a frame.");
            _input.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>The next frame of version 2; <see langword="null"/> at the end of the connection.</summary>
    public async Task<Version2Reply?> TryReceiveVersion2Async()
    {
        while (true)
        {
            ReadResult read = await _input.ReadAsync().InTime();
            ReadOnlySequence<byte> buffer = read.Buffer;
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, Version2Rules, out RpcFrame frame, out RpcFrameError error);
            Assert.True(status != RpcFrameReadStatus.Error, error.Describe());
            if (status == RpcFrameReadStatus.Frame)
            {
                Version2Reply reply = Version2Reply.Read(frame);
                _input.AdvanceTo(buffer.Start);
                return reply;
            }

            _input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                Assert.True(buffer.IsEmpty, $"The server closed the connection with {buffer.Length} bytes of a frame.");
                return null;
            }
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
        try
        {
            ReadResult read = await _input.ReadAsync().InTime();
            Assert.True(read.Buffer.IsEmpty, $"The server sent {read.Buffer.Length} bytes more.");
            Assert.True(read.IsCompleted);
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
        await _input.CopyToAsync(all).InTime();
        return all.ToArray();
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private static RawReply ToReply(in RpcFrame frame)
    {
        Assert.True(RpcProtocolData.TryReadReply(frame.ProtocolData, out RpcProtocolData data, out RpcProtocolDataError fault), fault.ToString());
        Assert.Equal(RpcFrameType.Response, frame.Header.Type);
        return new RawReply(frame.Header, data, frame.Body.ToArray());
    }
}
