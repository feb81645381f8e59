using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call under way, with all that it comes to. Dispose of it: that gives it up unless it has ended. Any thread, but for the streams.</summary>
public abstract class RpcCall : IDisposable
{
    private readonly IRpcCallOutcome _outcome;

    private protected RpcCall(IRpcCallOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        _outcome = outcome;
    }

    /// <summary>The metadata ahead of the reply; empty if there is none. Fails if the call fails before.</summary>
    public Task<RpcMetadata> HeadersAsync => _outcome.HeadersAsync;

    /// <summary>How the call went.</summary>
    /// <exception cref="InvalidOperationException">It has not ended yet.</exception>
    public RpcStatus Status => _outcome.Status;

    /// <summary>The metadata behind the reply; empty if there is none.</summary>
    /// <exception cref="InvalidOperationException">The call has not ended yet.</exception>
    public RpcMetadata Trailers => _outcome.Trailers;

    /// <summary>Gives the call up, unless it has ended: the server is told. What was received and not read is dropped.</summary>
    public void Dispose()
    {
        _outcome.Dispose();
        GC.SuppressFinalize(this);
    }
}
