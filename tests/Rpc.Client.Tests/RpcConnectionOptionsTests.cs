using System.IO.Pipelines;

namespace Kestrel.Rpc.Client.Tests;

public class RpcConnectionOptionsTests
{
    public static TheoryData<TimeSpan> NoTimeouts => [TimeSpan.FromSeconds(-5), TimeSpan.FromTicks(-1), TimeSpan.FromDays(60), TimeSpan.MaxValue];

    public static TheoryData<TimeSpan> Timeouts => [Timeout.InfiniteTimeSpan, TimeSpan.Zero, TimeSpan.FromDays(49)];

    [Theory]
    [MemberData(nameof(NoTimeouts))]
    public void Timeout_OutOfRange_IsRefusedAndTheOldOneStays(TimeSpan value)
    {
        RpcConnectionOptions options = new();
        Assert.Throws<ArgumentOutOfRangeException>(nameof(value), () => options.CloseTimeout = value);
        Assert.Throws<ArgumentOutOfRangeException>(nameof(value), () => options.ConnectTimeout = value);
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(60)), (options.CloseTimeout, options.ConnectTimeout));
    }

    [Theory]
    [MemberData(nameof(Timeouts))]
    public async Task CloseTimeout_AtTheEdge_Closes(TimeSpan value)
    {
        RpcConnectionOptions options = new() { CloseTimeout = value, ConnectTimeout = value };
        Assert.Equal((value, value), (options.CloseTimeout, options.ConnectTimeout));
        await using PipeServer server = new(options);
        await server.Client.DisposeAsync().Within();
    }

    [Fact]
    public async Task CloseTimeout_OutputThatDoesNotEnd_IsAbortedAfterIt()
    {
        EndlessWriter? writer = null;
        RpcConnectionOptions options = new() { CloseTimeout = TimeSpan.FromMilliseconds(20) };
        await using PipeServer server = new(options, wrap: inner => writer = new EndlessWriter(inner));
        await server.Client.DisposeAsync().Within();
        Assert.True(writer!.Aborted);
    }

    /// <summary>A writer that ends only with an error.</summary>
    private sealed class EndlessWriter(PipeWriter inner) : PipeWriter
    {
        public bool Aborted { get; private set; }

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override async ValueTask CompleteAsync(Exception? exception = null)
        {
            if (exception is null)
            {
                await Task.Delay(Timeout.Infinite);
            }

            Aborted = true;
            await inner.CompleteAsync(exception);
        }
    }
}
