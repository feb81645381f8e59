using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call with one reply. The reply is read when it is asked for first.</summary>
/// <typeparam name="TReply">The reply message.</typeparam>
public class RpcUnaryCall<TReply> : RpcCall
{
    private readonly IRpcStreamReader<TReply> _replies;
    private readonly Lazy<Task<TReply>> _reply;

    /// <summary>Makes a call.</summary>
    /// <param name="outcome">What it comes to.</param>
    /// <param name="replies">Its reply, as a stream of exactly one message that fails if there are fewer or more.</param>
    public RpcUnaryCall(IRpcCallOutcome outcome, IRpcStreamReader<TReply> replies)
        : base(outcome)
    {
        ArgumentNullException.ThrowIfNull(replies);
        _replies = replies;
        _reply = new Lazy<Task<TReply>>(ReadAsync);
    }

    /// <summary>The reply. Fails with an <see cref="RpcException"/> or an <see cref="OperationCanceledException"/>.</summary>
    public Task<TReply> ReplyAsync => _reply.Value;

    /// <summary>The attachment of the reply, once <see cref="ReplyAsync"/> has ended well; empty if it has none.</summary>
    public ReadOnlyMemory<byte> Attachment { get; private set; }

    private async Task<TReply> ReadAsync()
    {
        await _replies.MoveNextAsync().ConfigureAwait(false);
        TReply reply = _replies.Current;
        Attachment = _replies.CurrentAttachment;
        await _replies.MoveNextAsync().ConfigureAwait(false); // the end, or why it is none
        return reply;
    }
}
