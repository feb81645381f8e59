using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The sending end of one direction: the writer of its <see cref="Pipe"/>, which the connection can end from any thread. After
/// the end everything written is dropped, and flushes say that nobody reads.
/// </summary>
internal sealed class InProcessWriter(PipeWriter pipe, InProcessConnection connection) : PipeWriter
{
    private const int ScratchSize = 4096;

    private volatile bool _ended;
    private bool _completed;
    private byte[]? _scratch; // what the application writes into after the end
    private bool _wroteScratch; // the memory handed out last is scratch

    /// <summary>Whether the application writes no more.</summary>
    public bool IsCompleted => Volatile.Read(ref _completed);

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => pipe.UnflushedBytes;

    /// <summary>Notes that nobody reads any more.</summary>
    public void End() => _ended = true;

    /// <summary>Lets a pending flush see the end.</summary>
    public void Wake() => pipe.CancelPendingFlush();

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        _wroteScratch = _ended && !_completed;
        return _wroteScratch ? GetScratch(sizeHint) : pipe.GetMemory(sizeHint);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        _wroteScratch = _ended && !_completed;
        return _wroteScratch ? GetScratch(sizeHint) : pipe.GetSpan(sizeHint);
    }

    public override void Advance(int bytes)
    {
        if (!_wroteScratch)
        {
            pipe.Advance(bytes);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _scratch!.Length);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_ended && !cancellationToken.IsCancellationRequested)
        {
            return NobodyReads();
        }

        return Finish(pipe.FlushAsync(cancellationToken));
    }

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (_ended && !_completed && !cancellationToken.IsCancellationRequested)
        {
            return NobodyReads();
        }

        return Finish(pipe.WriteAsync(source, cancellationToken));
    }

    public override void CancelPendingFlush() => pipe.CancelPendingFlush();

    /// <summary>Ends this direction: the other side reads what is there and then the end, or with an error a reset.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_completed)
        {
            return;
        }

        Volatile.Write(ref _completed, true);
        connection.OnOutputCompleting(exception);
        pipe.Complete();
        connection.OnOutputCompleted();
    }

    private static ValueTask<FlushResult> NobodyReads() => new(new FlushResult(isCanceled: false, isCompleted: true));

    private ValueTask<FlushResult> Finish(ValueTask<FlushResult> flush) =>
        flush.IsCompletedSuccessfully ? new ValueTask<FlushResult>(Finish(flush.Result)) : FinishAsync(flush);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> FinishAsync(ValueTask<FlushResult> flush)
    {
        connection.OnFlushWaits();
        FlushResult result = await flush.ConfigureAwait(false);
        connection.OnFlushGoesOn();
        return Finish(result);
    }

    private FlushResult Finish(FlushResult result) => _ended ? new FlushResult(isCanceled: false, isCompleted: true) : result;

    private byte[] GetScratch(int sizeHint)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_scratch is null || _scratch.Length < sizeHint)
        {
            _scratch = new byte[Math.Max(sizeHint, ScratchSize)];
        }

        return _scratch;
    }
}
