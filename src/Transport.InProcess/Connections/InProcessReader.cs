using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The receiving end of one direction: the reader of its <see cref="Pipe"/>, which the connection can end from any thread. The
/// pipe's writer belongs to the other side's application and must not be completed behind its back: memory it is writing into
/// would be given to somebody else. So an end is a note here, and a pending read is woken to find it.
/// </summary>
internal sealed class InProcessReader(PipeReader pipe, InProcessConnection connection) : PipeReader
{
    private volatile Ending? _ending;
    private bool _completed;

    /// <summary>Whether the application reads no more.</summary>
    public bool IsCompleted => Volatile.Read(ref _completed);

    /// <summary>Notes that no more bytes come: reads throw the error, or else give what is there and say that it is all. Once.</summary>
    public void End(Exception? error) => _ending = new Ending(error);

    /// <summary>Lets a pending read see the end.</summary>
    public void Wake() => pipe.CancelPendingRead();

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        BeforeRead();
        return Finish(pipe.ReadAsync(cancellationToken));
    }

    public override bool TryRead(out ReadResult result)
    {
        BeforeRead();
        if (pipe.TryRead(out result))
        {
            result = Finish(result);
            return true;
        }

        return false;
    }

    public override void AdvanceTo(SequencePosition consumed) => pipe.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => pipe.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => pipe.CancelPendingRead();

    /// <summary>Ends reading. Why is nobody else's affair: the other side's flushes say that nobody reads, and do not throw.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (!_completed)
        {
            Volatile.Write(ref _completed, true);
            pipe.Complete();
            connection.OnInputCompleted();
        }
    }

    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        BeforeRead();
        return Finish(pipe.ReadAtLeastAsync(minimumSize, cancellationToken));
    }

    private void BeforeRead()
    {
        if (_ending is { } ending && !_completed)
        {
            ThrowIfError(ending);
            pipe.CancelPendingRead(); // nothing would wake this read
        }
    }

    private ValueTask<ReadResult> Finish(ValueTask<ReadResult> read) =>
        read.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Finish(read.Result)) : FinishAsync(read);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReadResult> FinishAsync(ValueTask<ReadResult> read) => Finish(await read.ConfigureAwait(false));

    private ReadResult Finish(ReadResult result)
    {
        if (_ending is not { } ending)
        {
            return result;
        }

        ThrowIfError(ending);
        return new ReadResult(result.Buffer, isCanceled: false, isCompleted: true);
    }

    /// <summary>
    /// Throws with the trace of whoever made the error, which names the abort. The application has seen the end then, and looks
    /// at nothing any more: the memory goes back, whether it disposes of the connection or not.
    /// </summary>
    private void ThrowIfError(Ending ending)
    {
        if (ending.Error is { } error)
        {
            pipe.Complete();
            ExceptionDispatchInfo.Throw(error);
        }
    }

    private sealed record Ending(Exception? Error);
}
