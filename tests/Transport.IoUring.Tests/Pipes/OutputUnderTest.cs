using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>An output with everything that an application can do with it, what can be seen of it, and what arrives at the transport.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without a timer and streams in memory hold nothing.")]
internal abstract class OutputUnderTest
{
    public const int PauseThreshold = 20_000;

    private readonly CancellationTokenSource _source = new();
    private Task<FlushResult>? _pending;
    private Task? _other; // a copy, or a write of the stream
    private byte _next;

    protected abstract PipeWriter Output { get; }

    public string Write(int size)
    {
        Output.Write(Bytes(size));
        return $"unflushed {Output.UnflushedBytes}";
    }

    public string WriteAsync(int size, CancellationToken token) => Wait(() => Output.WriteAsync(Bytes(size), token));

    public string AdvanceTooFar()
    {
        Output.Advance(Output.GetMemory().Length + 1);
        return "advanced";
    }

    public string NegativeHint() => $"{Output.GetSpan(-1).Length}";

    public string Flush(CancellationToken token) => Wait(() => Output.FlushAsync(token));

    /// <summary>A second flush while one waits, which ends the pipe for both.</summary>
    public string FlushTwice()
    {
        if (_pending is null)
        {
            return "nothing waits";
        }

        Task<FlushResult> second = Output.FlushAsync().AsTask();
        return second.IsCompleted ? second.Exception?.InnerException?.GetType().Name ?? "flushed" : "waits";
    }

    public string LargeHint(int size)
    {
        Memory<byte> memory = Output.GetMemory(size);
        memory.Span[..size].Fill(_next);
        Output.Advance(size);
        return memory.Length >= size ? "room" : "no room";
    }

    public string CopyFrom(int size) => Start(() => new MemoryStream(Bytes(size)).CopyToAsync(Output, _source.Token));

    public string WriteStream(int size) => Start(() => Output.AsStream(leaveOpen: true).WriteAsync(Bytes(size), _source.Token).AsTask());

    public string FlushStream() => Start(() => Output.AsStream(leaveOpen: true).FlushAsync());

    public string DisposeStream(bool leaveOpen)
    {
        Output.AsStream(leaveOpen).Dispose();
        return "disposed";
    }

    public string FlushWithToken() => Flush(_source.Token);

    public string FireToken()
    {
        _source.Cancel();
        return "fired";
    }

    public string Cancel()
    {
        Output.CancelPendingFlush();
        return "cancelled";
    }

    public string Complete(Exception? error)
    {
        Output.Complete(error);
        return "completed";
    }

    public string CompleteAsync() => $"{Output.CompleteAsync(new IOException("done")).AsTask().Status}";

    public abstract string Send();

    public abstract string End(Exception? error);

    public string Look()
    {
        if (_other is { IsCompleted: true } other)
        {
            _other = null;
            other.GetAwaiter().GetResult();
            return "done";
        }

        if (_pending is not { IsCompleted: true } flush)
        {
            return $"{(_pending is null && _other is null ? "idle" : "waiting")}, unflushed {Output.UnflushedBytes}";
        }

        _pending = null;
        return $"woke: {Tell(flush.GetAwaiter().GetResult())}";
    }

    protected static string Tell(ReadOnlySequence<byte> sent)
    {
        var hash = new HashCode();
        hash.AddBytes(sent.ToArray());
        return $"{sent.Length} bytes #{hash.ToHashCode():x}";
    }

    private static string Tell(FlushResult result) => $"canceled {result.IsCanceled} completed {result.IsCompleted}";

    private string Wait(Func<ValueTask<FlushResult>> start)
    {
        if (_pending is not null || _other is not null)
        {
            return "already waits";
        }

        Task<FlushResult> flush = start().AsTask();
        if (flush.IsCompleted)
        {
            return Tell(flush.GetAwaiter().GetResult());
        }

        _pending = flush;
        return "waits";
    }

    private string Start(Func<Task> start)
    {
        if (_pending is not null || _other is not null)
        {
            return "already waits";
        }

        Task task = start();
        if (!task.IsCompleted)
        {
            _other = task;
            return "waits";
        }

        task.GetAwaiter().GetResult();
        return "done";
    }

    private byte[] Bytes(int size)
    {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++)
        {
            bytes[i] = _next++;
        }

        return bytes;
    }

    internal sealed class Ours(IdleLoop loop) : OutputUnderTest
    {
        // The socket is never used: the loop never sleeps.
        private readonly ConnectionOutput _output = new(loop, new EpollSocket(null!, descriptor: -1));
        private bool _ended;

        protected override PipeWriter Output => _output;

        public override string Send()
        {
            if (_ended || !_output.TryTakeOnLoop(out ReadOnlySequence<byte> buffer, out _, out Exception? error))
            {
                return "nothing";
            }

            if (error is not null)
            {
                throw error; // as the reader of a pipe does
            }

            string told = Tell(buffer);
            if (!buffer.IsEmpty)
            {
                _output.SentOnLoop(buffer.End);
            }

            return told;
        }

        public override string End(Exception? error)
        {
            _ended = true;
            _output.CompleteByTransport(error);
            return "ended";
        }
    }

    internal sealed class Pipes : OutputUnderTest
    {
        private readonly Pipe _pipe = new(new PipeOptions(
            MemoryPool<byte>.Shared, PipeScheduler.Inline, PipeScheduler.Inline, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));

        private bool _ended;

        protected override PipeWriter Output => _pipe.Writer;

        public override string Send()
        {
            if (_ended || !_pipe.Reader.TryRead(out ReadResult result))
            {
                return "nothing";
            }

            string told = Tell(result.Buffer);
            _pipe.Reader.AdvanceTo(result.Buffer.End);
            return told;
        }

        public override string End(Exception? error)
        {
            _ended = true;
            _pipe.Reader.Complete(error);
            return "ended";
        }
    }
}
