namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection that sends as fast as it is read leaves the threads to others between its turns.</summary>
public sealed class FairnessTests
{
    private const int Calls = 10 * RpcServerConnection.FramesPerTurn;

    // The reader of this pipe runs within the writer's flush: it comes back when the read loop gives the thread up.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Reading_MoreThanOneTurnTakes_ThreadIsGivenUpAndTheRestIsReadLater(int version)
    {
        using CountdownEvent ended = new(Calls);
        int ofThisTurn = 0;
        bool isOver = false;
        Thread? reader = null;
        await using MemoryConnection connection = MemoryConnection.Start(
            new CountingPipeWriter(),
            CallBatchTests.Handler(_ =>
            {
                ofThisTurn += Thread.CurrentThread == Volatile.Read(ref reader) && !Volatile.Read(ref isOver) ? 1 : 0;
                ended.Signal();
            }),
            options => options.Scheduling = RpcScheduling.Inline);
        byte[] requests = version == 1
            ? [.. Enumerable.Range(1, Calls).SelectMany(i => Golden.Call((uint)i))]
            : [.. Enumerable.Range(1, Calls).SelectMany(i => Version2Frames.Hello((uint)i))];
        Thread writer = new(() =>
        {
            Volatile.Write(ref reader, Thread.CurrentThread);
            connection.Requests.WriteAsync(requests).AsTask();
            Volatile.Write(ref isOver, true);
        });
        writer.Start();

        Assert.True(writer.Join(TimeLimits.Limit));
        Assert.True(ended.Wait(TimeLimits.Limit));
        Assert.InRange(ofThisTurn, 1, RpcServerConnection.FramesPerTurn);
    }
}
