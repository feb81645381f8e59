using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call with a stream of requests and one reply.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
public sealed class RpcClientStreamingCall<TRequest, TReply> : RpcUnaryCall<TReply>
{
    /// <summary>Makes a call.</summary>
    /// <param name="outcome">What it comes to.</param>
    /// <param name="requests">The stream of requests.</param>
    /// <param name="replies">Its reply, as a stream of exactly one message that fails if there are fewer or more.</param>
    public RpcClientStreamingCall(IRpcCallOutcome outcome, IRpcStreamWriter<TRequest> requests, IRpcStreamReader<TReply> replies)
        : base(outcome, replies)
    {
        ArgumentNullException.ThrowIfNull(requests);
        Requests = requests;
    }

    /// <summary>The requests. Complete them, or the server waits for more.</summary>
    public IRpcStreamWriter<TRequest> Requests { get; }
}
