using System.Runtime.ExceptionServices;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// Sends a call the requests that somebody yields, while its replies are read. If they cannot be had the call is given up, and
/// <see cref="Failure"/> is the reason; if the call ends before them nobody is told, since the replies tell. Started once; any thread.
/// </summary>
internal sealed class RequestPump<TRequest>(RpcCall call, IRpcStreamWriter<TRequest> writer)
{
    private volatile ExceptionDispatchInfo? _failure;

    /// <summary>Why the requests came to no good end; null if they did, or still may.</summary>
    public ExceptionDispatchInfo? Failure => _failure;

    /// <param name="requests">The requests.</param>
    /// <param name="cancellationToken">Stops it, once the call has ended.</param>
    public async Task RunAsync(IAsyncEnumerable<TRequest> requests, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (TRequest request in requests.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                if (!await TryWriteAsync(request).ConfigureAwait(false))
                {
                    return;
                }
            }

            await writer.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Whatever the caller's own code throws goes to who reads the replies, unless they have ended: then it has stopped because of that.
            if (!HasEnded())
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
                call.Dispose();
            }
        }
    }

    // False if the call has ended: the server need not read all, and a failure is told by the replies.
    private async ValueTask<bool> TryWriteAsync(TRequest request)
    {
        try
        {
            await writer.WriteAsync(request).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException && HasEnded())
        {
            // As above.
            return false;
        }
    }

    private bool HasEnded()
    {
        try
        {
            _ = call.Status;
            return true;
        }
        catch (InvalidOperationException)
        {
            // What it says of a call under way.
            return false;
        }
    }
}
