namespace Kestrel.Rpc.Protocol;

/// <summary>A method with its messages: what server and client have in common about it. Immutable, so safe to share between threads; make one and keep it.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
public sealed class RpcMethod<TRequest, TReply> : RpcMethod
{
    /// <summary>Describes a method. For protobuf messages there is <see cref="RpcMethod.Create{TRequest, TReply}(RpcMethodShape, string, string)"/>.</summary>
    /// <param name="shape">How many messages it takes and gives.</param>
    /// <param name="name">Its name.</param>
    /// <param name="requestCodec">How requests become bytes and bytes requests.</param>
    /// <param name="replyCodec">How replies become bytes and bytes replies.</param>
    public RpcMethod(RpcMethodShape shape, RpcMethodName name, IRpcCodec<TRequest> requestCodec, IRpcCodec<TReply> replyCodec)
        : base(shape, name)
    {
        ArgumentNullException.ThrowIfNull(requestCodec);
        ArgumentNullException.ThrowIfNull(replyCodec);
        RequestFormat = RpcMessageFormat<TRequest>.Of(requestCodec);
        ReplyFormat = RpcMessageFormat<TReply>.Of(replyCodec);
    }

    /// <summary>How requests become bytes and bytes requests.</summary>
    public IRpcCodec<TRequest> RequestCodec => RequestFormat.Codec;

    /// <summary>How replies become bytes and bytes replies.</summary>
    public IRpcCodec<TReply> ReplyCodec => ReplyFormat.Codec;

    /// <inheritdoc/>
    public override Type RequestType => typeof(TRequest);

    /// <inheritdoc/>
    public override Type ReplyType => typeof(TReply);

    internal override RpcMessageKind RequestKind => RequestFormat.Kind;

    internal RpcMessageFormat<TRequest> RequestFormat { get; }

    internal RpcMessageFormat<TReply> ReplyFormat { get; }
}
