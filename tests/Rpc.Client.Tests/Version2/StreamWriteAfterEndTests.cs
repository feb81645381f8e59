using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>What a writer is told whose call has ended meanwhile: how it ended, from the first moment on.</summary>
public class StreamWriteAfterEndTests
{
    private static readonly RpcMethod<StringValue, StringValue> Chat =
        RpcMethod.Create<StringValue, StringValue>(RpcMethodShape.DuplexStreaming, "stream", "Chat");

    [Theory]
    [InlineData(RpcStatusCode.Unavailable, "The server stops.")]
    [InlineData(RpcStatusCode.PermissionDenied, "no")]
    public async Task Write_ServerHasEndedTheCall_SaysHow(RpcStatusCode code, string message)
    {
        // The pool is slow to tell everybody now and then: what a writer sees between must not be another reason.
        for (int i = 0; i < 200; i++)
        {
            await using ScriptedServer server = new();
            using RpcDuplexStreamingCall<StringValue, StringValue> call = server.Client.StartDuplexStream(Chat);
            ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);

            Task answered = server.SendAsync(ServerFrame.Failure(request.CallId, code, message));
            RpcException failed = await Assert.ThrowsAsync<RpcException>(async () =>
            {
                while (true)
                {
                    await call.Requests.WriteAsync(new StringValue()).Within();
                }
            });

            await answered;
            Assert.Equal((code, message), (failed.StatusCode, failed.Status.Message));
        }
    }

    [Fact]
    public async Task Write_ServerHasEndedTheCallWell_SaysThatItHasEnded()
    {
        await using ScriptedServer server = new();
        using RpcDuplexStreamingCall<StringValue, StringValue> call = server.Client.StartDuplexStream(Chat);
        ClientFrame request = await server.ReceiveAsync(RpcFrameType.Request);
        await server.SendAsync(ServerFrame.End(request.CallId));
        Assert.False(await call.Replies.MoveNextAsync().Within());

        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => call.Requests.WriteAsync(new StringValue()).Within());

        Assert.Equal(RpcStatusCode.Cancelled, failed.StatusCode);
        Assert.Contains("has ended", failed.Message, StringComparison.Ordinal);
    }
}
