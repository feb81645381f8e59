using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>An input with everything that an application can do with it, and everything that can be seen of it.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without a timer and streams in memory hold nothing.")]
internal abstract class InputUnderTest
{
    public const int PauseThreshold = 20_000;

    private readonly CancellationTokenSource _source = new();
    private readonly byte[] _streamed = new byte[4096];
    private Task<ReadResult>? _pending;
    private Task<string>? _other; // a copy or a read of the stream
    private ReadOnlySequence<byte> _buffer;
    private byte _next;
    private bool _ended;

    protected abstract PipeReader Input { get; }

    protected abstract bool CanWrite { get; }

    private bool IsBusy => _pending is not null || _other is not null;

    public string Write(int size)
    {
        if (_ended || !CanWrite)
        {
            return "may not";
        }

        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++)
        {
            bytes[i] = _next++;
        }

        return WriteCore(bytes) ? "goes on" : "pauses";
    }

    public string Read(CancellationToken token) => Wait(() => Input.ReadAsync(token));

    public string ReadWithToken() => Read(_source.Token);

    public string ReadAtLeast(int minimum) => Wait(() => Input.ReadAtLeastAsync(minimum));

    public string ReadAtLeastWithToken(int minimum) => Wait(() => Input.ReadAtLeastAsync(minimum, _source.Token));

    /// <summary>A second read while one waits, which ends the pipe for both.</summary>
    public string ReadTwice()
    {
        if (_pending is null)
        {
            return "nothing waits";
        }

        _ended = true; // by the pipe itself
        Task<ReadResult> second = Input.ReadAsync().AsTask();
        return second.IsCompleted ? second.Exception?.InnerException?.GetType().Name ?? "read" : "waits";
    }

    public string CopyTo(Stream stream) => Start(async () =>
    {
        await Input.CopyToAsync(stream, _source.Token);
        return "copied";
    });

    public string CopyToPipe(PipeWriter writer) => Start(async () =>
    {
        await Input.CopyToAsync(writer);
        return "copied";
    });

    public string ReadStream(int count) => Start(async () => Tell(_streamed.AsSpan(0, await Input.AsStream(leaveOpen: true).ReadAsync(_streamed.AsMemory(0, count)))));

    public string DisposeStream(bool leaveOpen)
    {
        Input.AsStream(leaveOpen).Dispose();
        return "disposed";
    }

    public string FireToken()
    {
        _source.Cancel();
        return "fired";
    }

    public string TryRead() => IsBusy ? "already waits" : Input.TryRead(out ReadResult result) ? Take(result) : "nothing";

    public string TryReadBesideRead() => _pending is { IsCompleted: false } && Input.TryRead(out _) ? "read" : "nothing";

    public string Advance(double consumed, double examined)
    {
        if (_other is not null)
        {
            return "already waits";
        }

        // Positions of an older buffer beside a read that waits damage a pipe: an empty one shows how it is refused.
        ReadOnlySequence<byte> buffer = IsBusy ? default : _buffer;
        Input.AdvanceTo(buffer.GetPosition((long)(buffer.Length * consumed)), buffer.GetPosition((long)(buffer.Length * examined)));
        _buffer = default;
        return "advanced";
    }

    public string Cancel()
    {
        Input.CancelPendingRead();
        return "cancelled";
    }

    public string Complete(Exception? error)
    {
        if (IsBusy)
        {
            return "already waits"; // to complete under a read is no legal use
        }

        _buffer = default;
        Input.Complete(error);
        return "completed";
    }

    public string CompleteAsync()
    {
        if (IsBusy)
        {
            return "already waits";
        }

        _buffer = default;
        return $"{Input.CompleteAsync(new IOException("done")).AsTask().Status}";
    }

    public string End(Exception? error)
    {
        _ended = true;
        EndCore(error);
        return "ended";
    }

    public string Look()
    {
        string transport = _ended ? "ended" : CanWrite ? "open" : "paused";
        if (_other is { IsCompleted: true } other)
        {
            _other = null;
            return $"{transport}, {Result(other)}";
        }

        if (_pending is not { IsCompleted: true } read)
        {
            return $"{transport}, {(IsBusy ? "waiting" : "idle")}";
        }

        _pending = null;
        return $"{transport}, woke: {Take(read.GetAwaiter().GetResult())}";
    }

    protected abstract bool WriteCore(byte[] bytes);

    protected abstract void EndCore(Exception? error);

    private static string Result(Task<string> task) => task.GetAwaiter().GetResult();

    private static string Tell(ReadOnlySpan<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes);
        return $"{bytes.Length} bytes #{hash.ToHashCode():x}";
    }

    private string Wait(Func<ValueTask<ReadResult>> start)
    {
        if (IsBusy)
        {
            return "already waits";
        }

        Task<ReadResult> read = start().AsTask();
        if (!read.IsCompleted)
        {
            _pending = read;
            return "waits";
        }

        return Take(read.GetAwaiter().GetResult());
    }

    private string Start(Func<Task<string>> start)
    {
        if (IsBusy || !_buffer.IsEmpty)
        {
            return "already waits";
        }

        Task<string> task = start();
        if (!task.IsCompleted)
        {
            _other = task;
            return "waits";
        }

        return Result(task);
    }

    private string Take(ReadResult result)
    {
        _buffer = result.Buffer;
        return $"{Tell(result.Buffer.ToArray())} canceled {result.IsCanceled} completed {result.IsCompleted}";
    }

    internal sealed class Ours(IdleLoop loop) : InputUnderTest
    {
        private readonly ConnectionInput _input = new(loop, new EpollSocket(null!, descriptor: -1));

        protected override PipeReader Input => _input;

        protected override bool CanWrite => !_input.IsPaused;

        protected override void EndCore(Exception? error) => _input.CompleteByTransport(error);

        protected override bool WriteCore(byte[] bytes)
        {
            _input.Write(bytes);
            _input.CommitOnLoop();
            return CanWrite; // the application ran within the commit, and may have ended a pause already
        }
    }

    internal sealed class Pipes : InputUnderTest
    {
        private readonly Pipe _pipe = new(new PipeOptions(
            MemoryPool<byte>.Shared, PipeScheduler.Inline, PipeScheduler.Inline, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));

        private Task<FlushResult>? _flush;

        protected override PipeReader Input => _pipe.Reader;

        protected override bool CanWrite => _flush is not { IsCompleted: false };

        protected override void EndCore(Exception? error) => _pipe.Writer.Complete(error);

        protected override bool WriteCore(byte[] bytes)
        {
            _pipe.Writer.Write(bytes);
            try
            {
                _flush = _pipe.Writer.FlushAsync().AsTask();
            }
            catch (IOException)
            {
                return true; // what the application completed with, which no transport asks for
            }

            return _flush.IsCompleted;
        }
    }
}
