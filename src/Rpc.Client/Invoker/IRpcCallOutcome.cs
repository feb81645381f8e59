using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>What a call comes to beside its messages: for those who write a <see cref="RpcCallInvoker"/>. Every member is safe to call from any thread.</summary>
public interface IRpcCallOutcome : IDisposable
{
    /// <summary>The metadata ahead of the reply; empty if there is none. Fails if the call fails before.</summary>
    Task<RpcMetadata> HeadersAsync { get; }

    /// <summary>How the call went.</summary>
    /// <exception cref="InvalidOperationException">It has not ended yet.</exception>
    RpcStatus Status { get; }

    /// <summary>The metadata behind the reply; empty if there is none.</summary>
    /// <exception cref="InvalidOperationException">The call has not ended yet.</exception>
    RpcMetadata Trailers { get; }
}
