using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Whoever gave requests to the ring and is told of their completions. Loop thread only.</summary>
internal interface IIoUringOwner
{
    void OnCompletion(CompletionKind kind, in IoUringCqe completion);

    /// <summary>Completions were lost: have every request that should be with the kernel checked with <see cref="IoUringLoop.SubmitCheck"/>.</summary>
    void CheckRequests();

    /// <summary>A checked request is not with the kernel: its last completion was lost, unless it has come meanwhile.</summary>
    void OnGone(CompletionKind kind);
}
