using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests.Version2;

/// <summary>Calls of all lengths that are given up at any moment, by many threads: each ends, and nothing is left of it.</summary>
public class CancellationStressTests
{
    [Fact]
    public async Task Calls_GivenUpAtAnyMoment_AllEndAndNothingIsLeft()
    {
        const int Callers = 8;
        const int CallsEach = 150;
        await using ScriptedServer server = new();
        Task serving = Task.Run(() => ServeAsync(server));
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            Random random = new(caller);
            for (int i = 0; i < CallsEach; i++)
            {
                string text = new((char)('a' + caller), random.Next(4) == 0 ? random.Next(300_000) : random.Next(100));
                using CancellationTokenSource source = new();
                Task<StringValue> call = server.HelloAsync(text, new RpcCallOptions { CancellationToken = source.Token });
                Thread.SpinWait(random.Next(5000));
                if (random.Next(3) > 0)
                {
                    await source.CancelAsync();
                }

                try
                {
                    Assert.Equal($"{text.Length}", (await call.Within()).Value);
                }
                catch (OperationCanceledException)
                {
                    Assert.True(source.IsCancellationRequested);
                }
            }
        }))).Within();

        await TimeLimits.Until(() => server.Client.AbandonedCalls == 0);
        Assert.Equal((0, 0), (server.Client.PendingCalls, server.Client.ParkedCalls));
        Assert.Equal("4", (await server.HelloAsync("last").Within()).Value);
        await TimeLimits.Until(() => server.Client.QueuedCalls == 0);
        Assert.Equal(0, server.Client.QueuedBytes);
        await server.Client.DisposeAsync().Within();
        await serving.Within();
    }

    // Answers each request when it is whole, and each cancelled call that was not answered.
    private static async Task ServeAsync(ScriptedServer server)
    {
        Dictionary<uint, List<byte>> underWay = [];
        while (await server.TryReceiveAsync() is { } frame)
        {
            List<byte>? body = null;
            if (frame.Type == RpcFrameType.Request)
            {
                Assert.True(underWay.TryAdd(frame.CallId, body = []), "The id is taken.");
            }
            else if (frame.Type == RpcFrameType.Data)
            {
                await server.SendAsync(ServerFrame.Credit(0, 16 + frame.Body.Length));
                if (underWay.TryGetValue(frame.CallId, out body))
                {
                    await server.SendAsync(ServerFrame.Credit(frame.CallId, 16 + frame.Body.Length));
                }
            }
            else if (frame.Type == RpcFrameType.Cancel && underWay.Remove(frame.CallId))
            {
                await server.SendAsync(ServerFrame.Failure(frame.CallId, RpcStatusCode.Cancelled, ""));
            }

            body?.AddRange(frame.Body);
            if (body is not null && frame.Flags.HasFlag(RpcCallBits.End))
            {
                underWay.Remove(frame.CallId);
                await server.SendAsync(ServerFrame.Response(frame.CallId, $"{StringValue.Parser.ParseFrom([.. body]).Value.Length}"));
            }
        }
    }
}
