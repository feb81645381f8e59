using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// An output that fails a test which writes it while a flush is pending or from two threads at once, and keeps what each flush
/// carried. Flushes wait while it is held.
/// </summary>
internal sealed class StrictPipeWriter : PipeWriter
{
    private readonly Lock _lock = new();
    private readonly ArrayBufferWriter<byte> _unflushed = new();
    private readonly List<byte[]> _flushes = [];
    private readonly List<(int Bytes, TaskCompletionSource Reached)> _waiters = [];
    private TaskCompletionSource? _hold;
    private int _users;

    /// <summary>The first misuse seen.</summary>
    public string? Misuse { get; private set; }

    /// <summary>Whether to drop what is flushed, for tests that send much.</summary>
    public bool IsForgetful { get; init; }

    /// <summary>What flushes return; for ends and failures.</summary>
    public Func<ValueTask<FlushResult>>? FlushResult { get; set; }

    public long FlushedBytes { get; private set; }

    public IReadOnlyList<byte[]> Flushes
    {
        get
        {
            lock (_lock)
            {
                return [.. _flushes];
            }
        }
    }

    public void Hold()
    {
        lock (_lock)
        {
            _hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            _hold?.SetResult();
            _hold = null;
        }
    }

    /// <summary>Waits until so many bytes were flushed.</summary>
    public Task WaitForAsync(int bytes)
    {
        lock (_lock)
        {
            TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((bytes, reached));
            Notify();
            return reached.Task.InTime();
        }
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => Use(() => _unflushed.GetMemory(sizeHint));

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes) => Use(() =>
    {
        _unflushed.Advance(bytes);
        return 0;
    });

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Enter();
        TaskCompletionSource? hold;
        lock (_lock)
        {
            FlushedBytes += _unflushed.WrittenCount;
            if (!IsForgetful)
            {
                _flushes.Add(_unflushed.WrittenSpan.ToArray());
            }

            _unflushed.ResetWrittenCount();
            Notify();
            hold = _hold;
        }

        if (hold is not null)
        {
            return WaitAsync(hold.Task);
        }

        Leave();
        return FlushResult?.Invoke() ?? default;
    }

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
    }

    private async ValueTask<FlushResult> WaitAsync(Task hold)
    {
        await hold;
        Leave();
        return FlushResult is null ? default : await FlushResult();
    }

    private void Notify()
    {
        foreach ((int bytes, TaskCompletionSource reached) in _waiters)
        {
            if (FlushedBytes >= bytes)
            {
                reached.TrySetResult();
            }
        }
    }

    private T Use<T>(Func<T> use)
    {
        Enter();
        try
        {
            return use();
        }
        finally
        {
            Leave();
        }
    }

    private void Enter()
    {
        if (Interlocked.Increment(ref _users) != 1)
        {
            Misuse ??= $"Used while a flush was pending or by another thread: {Environment.StackTrace}";
        }
    }

    private void Leave() => Interlocked.Decrement(ref _users);
}
