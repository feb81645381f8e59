using System.Diagnostics.Metrics;
using System.IO.Pipelines;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What a written reply of a stream costs beside its message.</summary>
[Collection(nameof(AllocationTests))]
public sealed class StreamCostTests
{
    private const int Items = 1000; // well below what may wait
    private const int Calls = 20;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_WithRoom_EndsAtOnceAllocatesNothingAndLeavesWithOthers(bool isListenedTo)
    {
        int measured = 0;
        using MeterListener? listener = isListenedTo ? AllocationTests.ListenToAll(() => Interlocked.Increment(ref measured)) : null;
        Int32Value item = new() { Value = 1_000_000 };
        long leastAllocated = long.MaxValue;
        bool allAtOnce = true;
        RpcBoundHandler handler = new(
            RpcRequestParsers.Create<Empty>(),
            context =>
            {
                IRpcStreamWriter<Int32Value> replies = RpcStreams.Writer<Int32Value>(context);
                long before = GC.GetAllocatedBytesForCurrentThread();
                for (int i = 0; i < Items; i++)
                {
                    ValueTask written = replies.WriteAsync(item);
                    allAtOnce &= written.IsCompletedSuccessfully;
                    written.GetAwaiter().GetResult();
                }

                leastAllocated = Math.Min(leastAllocated, GC.GetAllocatedBytesForCurrentThread() - before);
                return default;
            },
            RpcMethodShape.ServerStreaming);
        FlushCounter output = new(Calls);
        await using MemoryConnection connection = MemoryConnection.Start(output, handler, options => options.Scheduling = RpcScheduling.Inline);
        for (uint id = 1; id <= Calls; id++)
        {
            // One call after the other: the pools have what it needs then.
            await connection.Requests.WriteAsync(Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.End }, []));
            await output.Responses[id - 1].Task.InTime();
        }

        Assert.True(allAtOnce);
        Assert.Equal(0, leastAllocated);
        Assert.True(!isListenedTo || measured >= Items * Calls, $"{measured} measurements");
        Assert.InRange(output.Flushes, Calls, Calls * Items / 20);
        Assert.True(output.Written >= (long)Calls * Items * (16 + item.CalculateSize()));
    }

    /// <summary>An output that counts flushes, and tells when a call's RESPONSE was flushed: the last frame of a flush.</summary>
    private sealed class FlushCounter(int calls) : PipeWriter
    {
        private readonly byte[] _memory = new byte[256 * 1024];
        private int _length;

        public TaskCompletionSource[] Responses { get; } =
            [.. Enumerable.Range(0, calls).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];

        public int Flushes { get; private set; }

        public long Written { get; private set; }

        public override Memory<byte> GetMemory(int sizeHint = 0) => _memory.AsMemory(_length);

        public override Span<byte> GetSpan(int sizeHint = 0) => _memory.AsSpan(_length);

        public override void Advance(int bytes) => _length += bytes;

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            Flushes++;
            Written += _length;
            ReadOnlySpan<byte> rest = _memory.AsSpan(0, _length);
            while (RpcFrameHeader.TryParse(rest, out RpcFrameHeader header))
            {
                rest = rest[(int)header.FrameLength..];
                if (header.Type == RpcFrameType.Response)
                {
                    Responses[header.SequenceId - 1].TrySetResult();
                }
            }

            _length = 0;
            return default;
        }

        public override void CancelPendingFlush() => throw new NotSupportedException();

        public override void Complete(Exception? exception = null)
        {
            // Nothing is kept.
        }
    }
}
