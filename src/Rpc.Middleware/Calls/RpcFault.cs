using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Why a call gets an error in place of a reply. The names are as far as they could be read, else empty.</summary>
/// <param name="Service">The service that was called.</param>
/// <param name="Method">The method that was called.</param>
/// <param name="Code">What a caller of version 1 is told.</param>
/// <param name="Message">One sentence for the caller.</param>
internal readonly record struct RpcFault(string Service, string Method, RpcErrorCode Code, string Message)
{
    /// <summary>What a caller of version 2 is told; what follows from the code unless it is set.</summary>
    public RpcStatus Status
    {
        get => field ?? new RpcStatus(Code.ToStatusCode(), Message);
        init;
    }

    /// <summary>Metadata that goes with it, for callers of version 2.</summary>
    public RpcMetadata? Trailers { get; init; }

    /// <summary>Whether no handler has seen the call, so that it may be sent again without harm.</summary>
    public bool IsNotProcessed { get; init; }

    /// <summary>What refused such a call, for those who count.</summary>
    public RpcRejection Rejection { get; init; }

    /// <summary>An error with a status code.</summary>
    public static RpcFault Of(RpcStatusCode code, string message, RpcMethodName? name = null) =>
        new(name?.Service ?? "", name?.Method ?? "", code.ToErrorCode(), message) { Status = new RpcStatus(code, message) };
}
