using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call with a stream in each direction. They do not wait for each other: one thread may write while another reads.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
public sealed class RpcDuplexStreamingCall<TRequest, TReply> : RpcServerStreamingCall<TReply>
{
    /// <summary>Makes a call.</summary>
    /// <param name="outcome">What it comes to.</param>
    /// <param name="requests">The stream of requests.</param>
    /// <param name="replies">The stream of replies.</param>
    public RpcDuplexStreamingCall(IRpcCallOutcome outcome, IRpcStreamWriter<TRequest> requests, IRpcStreamReader<TReply> replies)
        : base(outcome, replies)
    {
        ArgumentNullException.ThrowIfNull(requests);
        Requests = requests;
    }

    /// <summary>The requests. Complete them, or the server waits for more.</summary>
    public IRpcStreamWriter<TRequest> Requests { get; }
}
