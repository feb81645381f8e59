using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Reads the priority of calls from their metadata. Any thread.</summary>
/// <param name="key">The key of the metadata; null if calls have no priorities.</param>
internal sealed class RpcCallPriorities(string? key)
{
    public const string Low = "low";
    public const string High = "high";

    /// <summary>The priority of a call: normal unless its metadata says low or high.</summary>
    public RpcCallPriority Of(RpcServedCall call) => key is null || ReferenceEquals(call.RequestMetadata, RpcMetadata.Empty) ? RpcCallPriority.Normal : Parse(call.RequestMetadata.GetValue(key));

    private static RpcCallPriority Parse(string? value) => value switch
    {
        Low => RpcCallPriority.Low,
        High => RpcCallPriority.High,
        _ => RpcCallPriority.Normal,
    };
}
