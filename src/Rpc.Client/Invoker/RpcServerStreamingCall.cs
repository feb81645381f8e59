using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call with one request and a stream of replies.</summary>
/// <typeparam name="TReply">The reply message.</typeparam>
public class RpcServerStreamingCall<TReply> : RpcCall
{
    /// <summary>Makes a call.</summary>
    /// <param name="outcome">What it comes to.</param>
    /// <param name="replies">The stream of replies.</param>
    public RpcServerStreamingCall(IRpcCallOutcome outcome, IRpcStreamReader<TReply> replies)
        : base(outcome)
    {
        ArgumentNullException.ThrowIfNull(replies);
        Replies = replies;
    }

    /// <summary>The replies.</summary>
    public IRpcStreamReader<TReply> Replies { get; }
}
