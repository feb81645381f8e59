using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>A server of version 2 over two pipes, moved by the test frame by frame or byte by byte.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    public static readonly RpcMethod<StringValue, StringValue> Hello = RpcMethod.Unary<StringValue, StringValue>("helloworld", "Hello");

    private static readonly RpcFrameRules Rules = new(null, RpcFrameRules.DefaultVersion2Limits);

    private readonly PipeServer _pipes;

    public ScriptedServer(RpcConnectionOptions? options = null, PipeOptions? requests = null, PipeOptions? replies = null, uint lastCallId = 0) =>
        _pipes = new PipeServer(options, lastCallId, requests, replies, version: 2);

    public RpcConnection Client => _pipes.Client;

    public PipeReader Requests => _pipes.Requests;

    public PipeWriter Replies => _pipes.Replies;

    public Task<StringValue> HelloAsync(string text, RpcCallOptions options = default) =>
        Client.CallAsync(Hello, new StringValue { Value = text }, options).AsTask();

    public Task SendAsync(params byte[][] pieces) => _pipes.SendAsync(pieces);

    /// <summary>Reads the next frame.</summary>
    public async Task<ClientFrame> ReceiveAsync() =>
        await TryReceiveAsync() ?? throw new Xunit.Sdk.XunitException("The client closed instead of sending a frame.");

    /// <summary>Reads the next frame of a type, and answers for none of those before it.</summary>
    public async Task<ClientFrame> ReceiveAsync(RpcFrameType type)
    {
        while (true)
        {
            ClientFrame frame = await ReceiveAsync();
            if (frame.Type == type)
            {
                return frame;
            }
        }
    }

    /// <summary>Reads the next frame; null at the end of the connection.</summary>
    public async Task<ClientFrame?> TryReceiveAsync()
    {
        while (true)
        {
            ReadResult result = await Requests.ReadAsync().Within();
            ReadOnlySequence<byte> buffer = result.Buffer;
            RpcFrameReadStatus status = RpcFrameReader.TryRead(ref buffer, Rules, out RpcFrame frame, out RpcFrameError error);
            if (status == RpcFrameReadStatus.Frame)
            {
                ClientFrame read = ClientFrame.Of(frame);
                Requests.AdvanceTo(buffer.Start);
                return read;
            }

            Assert.True(status == RpcFrameReadStatus.NeedMore, error.Describe());
            if (result.IsCompleted)
            {
                Assert.Equal(0, buffer.Length);
                Requests.AdvanceTo(buffer.End);
                return null;
            }

            Requests.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Fails if the client has sent anything that was not received.</summary>
    public void AssertNothingSent()
    {
        if (Requests.TryRead(out ReadResult result))
        {
            long length = result.Buffer.Length;
            Requests.AdvanceTo(result.Buffer.Start);
            Assert.Equal(0, length);
        }
    }

    public ValueTask DisposeAsync() => _pipes.DisposeAsync();
}
