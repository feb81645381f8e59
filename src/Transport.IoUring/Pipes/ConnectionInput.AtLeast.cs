using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

internal sealed partial class ConnectionInput
{
    /// <summary>
    /// A read that waits for more than the next bytes. As in a <see cref="Pipe"/>, it counts the bytes that were not examined
    /// before, and the transport does not pause while it waits: else a minimum above the limit would never come.
    /// </summary>
    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken)
    {
        ThrowIfReaderCompleted();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        bool resume;
        lock (_lock)
        {
            _reading.Begin(OnTokenFired, this, cancellationToken);
            if (_reading.IsCompleted && MustChangeThread && (_unexamined >= minimumSize || _reading.IsCanceled || _writerCompleted))
            {
                return new ValueTask<ReadResult>(this, 0);
            }

            if (_reading.IsCompleted)
            {
                ReadResult result = TakeResult();
                if (_unexamined >= minimumSize || result.IsCanceled || result.IsCompleted)
                {
                    return new ValueTask<ReadResult>(result);
                }

                // Too little: as if it had not been read.
                _isReadOpen = _isReadTentative = false;
                _reading.Reset();
                _reading.Begin(OnTokenFired, this, cancellationToken);
            }

            _minimum = minimumSize;
            resume = _paused;
            _paused = false;
        }

        if (resume)
        {
            ResumeTransport();
        }

        return new ValueTask<ReadResult>(this, 0);
    }
}
