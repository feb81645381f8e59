using System.IO.Pipelines;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection whose output tells when a flush has to wait.</summary>
internal sealed class WatchedOutput(IDuplexPipe inner) : PipeWriter, IDuplexPipe
{
    /// <summary>Ends with the first flush that waits for the peer.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public PipeReader Input => inner.Input;

    public PipeWriter Output => this;

    public override void Advance(int bytes) => inner.Output.Advance(bytes);

    public override void CancelPendingFlush() => inner.Output.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Output.Complete(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<FlushResult> flush = inner.Output.FlushAsync(cancellationToken);
        if (!flush.IsCompleted)
        {
            Waiting.TrySetResult();
        }

        return flush;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.Output.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.Output.GetSpan(sizeHint);
}
