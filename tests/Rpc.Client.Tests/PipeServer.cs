using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>The other end of a connection over two pipes, moved by the test byte by byte.</summary>
internal sealed class PipeServer : IAsyncDisposable
{
    private readonly Pipe _requests;
    private readonly Pipe _replies;

    public PipeServer(
        RpcConnectionOptions? options = null,
        uint lastSequenceId = 0,
        PipeOptions? requests = null,
        PipeOptions? replies = null,
        Func<PipeWriter, PipeWriter>? wrap = null,
        int version = 1)
    {
        _requests = new Pipe(requests ?? new PipeOptions(pauseWriterThreshold: 0));
        _replies = new Pipe(replies ?? new PipeOptions(pauseWriterThreshold: 0));
        options ??= new RpcConnectionOptions();
        options.ProtocolVersion = version;
        PipeWriter output = wrap is null ? _requests.Writer : wrap(_requests.Writer);
        Client = RpcConnection.Create(new DuplexPipe(_replies.Reader, output), options, lastSequenceId);
    }

    public RpcConnection Client { get; }

    public PipeReader Requests => _requests.Reader;

    public PipeWriter Replies => _replies.Writer;

    public Task<StringValue> HelloAsync(string text, CancellationToken cancellationToken = default) =>
        Client.CallAsync<StringValue, StringValue>("helloworld", "Hello", Wire.Text(text), cancellationToken).AsTask();

    public async Task SendAsync(params byte[][] pieces)
    {
        foreach (byte[] piece in pieces)
        {
            await _replies.Writer.WriteAsync(piece).Within();
        }
    }

    /// <summary>Reads one request: its sequence id and text.</summary>
    public async Task<(uint SequenceId, string Text)> ReceiveAsync()
    {
        while (true)
        {
            ReadResult result = await _requests.Reader.ReadAsync().Within();
            ReadOnlySequence<byte> buffer = result.Buffer;
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _);
            if (status == RpcFrameReadStatus.Frame)
            {
                (uint, string) request = (frame.Header.SequenceId, RpcMessageCodec.Deserialize<StringValue>(frame.Body).Value);
                Assert.Equal(RpcFrameType.Request, frame.Header.Type);
                Assert.Equal(Wire.Hello.ProtocolData.ToArray(), frame.ProtocolData.ToArray());
                _requests.Reader.AdvanceTo(buffer.Start);
                return request;
            }

            Assert.Equal(RpcFrameReadStatus.NeedMore, status);
            Assert.False(result.IsCompleted, "The client closed instead of sending a request.");
            _requests.Reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // As a server does: the client's end is answered with one's own.
        await _replies.Writer.CompleteAsync();
        await _requests.Reader.CompleteAsync();
        await Client.DisposeAsync().Within();
        Assert.Equal(0, Client.PendingCalls);
        Assert.Equal(0, Client.QueuedCalls);
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
