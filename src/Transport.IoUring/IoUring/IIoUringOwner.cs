using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>Whoever gave requests to the ring and is told of their completions. Loop thread only.</summary>
internal interface IIoUringOwner
{
    void OnCompletion(CompletionKind kind, in IoUringCqe completion);
}
