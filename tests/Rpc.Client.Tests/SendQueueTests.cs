using System.IO.Pipelines;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>The rules of the send queue, seen from its output.</summary>
public class SendQueueTests
{
    [Fact]
    public async Task Calls_WhileAFlushIsPending_WaitAndLeaveWithOneFlush()
    {
        HeldWriter? writer = null;
        await using PipeServer server = new(wrap: inner => writer = new HeldWriter(inner));
        Task<StringValue>[] calls = [.. Enumerable.Range(0, 50).Select(i => server.HelloAsync($"{i}"))];
        Assert.Equal(1, writer!.Flushes);

        writer.LetGo();
        for (int i = 0; i < calls.Length; i++)
        {
            (uint id, string text) = await server.ReceiveAsync();
            Assert.Equal($"{i}", text);
            await server.SendAsync(Wire.Reply(id, text));
        }

        await Task.WhenAll(calls).Within();
        Assert.Equal(2, writer.Flushes);
        Assert.Null(writer.Violation);
    }

    [Fact]
    public async Task Calls_FromManyThreads_NeverTouchTheOutputDuringAFlushOrTwoAtOnce()
    {
        HeldWriter? writer = null;
        await using PipeServer server = new(wrap: inner => writer = new HeldWriter(inner, alwaysAsync: true));
        writer!.LetGo();
        const int Callers = 16;
        const int CallsEach = 100;
        Task answering = Task.Run(async () =>
        {
            for (int i = 0; i < Callers * CallsEach; i++)
            {
                (uint id, string text) = await server.ReceiveAsync();
                await server.SendAsync(Wire.Reply(id, text));
            }
        });
        await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => Task.Run(async () =>
        {
            for (int i = 0; i < CallsEach; i++)
            {
                Assert.Equal($"{caller}/{i}", (await server.HelloAsync($"{caller}/{i}")).Value);
            }
        }))).Within();
        await answering.Within();
        Assert.Null(writer.Violation);
    }

    /// <summary>A writer that is as strict as SslStream's: one thing at a time, nothing during a flush.</summary>
    private sealed class HeldWriter(PipeWriter inner, bool alwaysAsync = false) : PipeWriter
    {
        private readonly TaskCompletionSource _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _inside;
        private int _flushes;

        public int Flushes => Volatile.Read(ref _flushes);

        public string? Violation { get; private set; }

        public void LetGo() => _held.SetResult();

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            using (Enter(nameof(GetMemory)))
            {
                return inner.GetMemory(sizeHint);
            }
        }

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

        public override void Advance(int bytes)
        {
            using (Enter(nameof(Advance)))
            {
                inner.Advance(bytes);
            }
        }

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            using (Enter(nameof(FlushAsync)))
            {
                Interlocked.Increment(ref _flushes);
                await _held.Task;
                if (alwaysAsync)
                {
                    await Task.Yield();
                }

                return await inner.FlushAsync(cancellationToken);
            }
        }

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private Scope Enter(string what)
        {
            if (Interlocked.Increment(ref _inside) != 1)
            {
                Violation ??= $"{what} while something else went on.";
            }

            return new Scope(this);
        }

        private readonly struct Scope(HeldWriter writer) : IDisposable
        {
            public void Dispose() => Interlocked.Decrement(ref writer._inside);
        }
    }
}
