namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection that sends as fast as it is read leaves the threads to others between its turns.</summary>
public sealed class FairnessTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public Task Reading_MoreCallsThanOneTurnTakes_ThreadIsGivenUpAndTheRestIsReadLater(int version) => ExpectTurnsAsync(
        10 * RpcServerConnection.FramesPerTurn,
        RpcServerConnection.FramesPerTurn,
        version == 1 ? id => Golden.Call(id) : id => Version2Frames.Hello(id));

    [Fact]
    public Task Reading_LongMessages_ThreadIsGivenUpAfterTwoOf64KiB() =>
        ExpectTurnsAsync(calls: 12, most: 2, id => Golden.Call(id, new string('x', 64 * 1024)));

    // The reader of this pipe runs within the writer's flush: it comes back when the read loop gives the thread up.
    private static async Task ExpectTurnsAsync(int calls, int most, Func<uint, byte[]> request)
    {
        using CountdownEvent ended = new(calls);
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
        byte[] requests = [.. Enumerable.Range(1, calls).SelectMany(i => request((uint)i))];
        Task writing = Task.CompletedTask;
        Thread writer = new(() =>
        {
            Volatile.Write(ref reader, Thread.CurrentThread);
            writing = connection.Requests.WriteAsync(requests).AsTask();
            Volatile.Write(ref isOver, true);
        });
        writer.Start();

        Assert.True(writer.Join(TimeLimits.Limit));
        Assert.True(ended.Wait(TimeLimits.Limit));
        await writing.InTime();
        Assert.InRange(ofThisTurn, 1, most);
    }
}
