using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A method of a service: its name, its shape, and its messages, whose types this base only names; <see cref="RpcMethod{TRequest, TReply}"/> has
/// their codecs too. Immutable, so safe to share between threads; make one and keep it.
/// </summary>
public abstract class RpcMethod
{
    private readonly IReadOnlyList<RpcMethodName> _aliases = [];

    private protected RpcMethod(RpcMethodShape shape, RpcMethodName name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfNegative((int)shape, nameof(shape));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)shape, (int)RpcMethodShape.DuplexStreaming, nameof(shape));
        Shape = shape;
        Name = name;
    }

    /// <summary>How many messages it takes and gives.</summary>
    public RpcMethodShape Shape { get; }

    /// <summary>Its name.</summary>
    public RpcMethodName Name { get; }

    /// <summary>Further names that a server answers to; clients call it by <see cref="Name"/>. Default none.</summary>
    public IReadOnlyList<RpcMethodName> Aliases
    {
        get => _aliases;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            _aliases = [.. value];
        }
    }

    /// <summary>Whether generated clients send its requests without waiting for an answer. Default false. Unary methods only.</summary>
    public bool IsOneWay { get; init; }

    /// <summary>The request message.</summary>
    public abstract Type RequestType { get; }

    /// <summary>The reply message.</summary>
    public abstract Type ReplyType { get; }

    /// <summary>Describes a method with protobuf messages.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="shape">How many messages it takes and gives.</param>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <returns>The method. Make one and keep it.</returns>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public static RpcMethod<TRequest, TReply> Create<TRequest, TReply>(RpcMethodShape shape, string service, string method)
        where TRequest : IMessage<TRequest>, new()
        where TReply : IMessage<TReply>, new() => Create(shape, service, method, RpcCodec.Protobuf<TRequest>(), RpcCodec.Protobuf<TReply>());

    /// <summary>Describes a method with messages of any kind.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="shape">How many messages it takes and gives.</param>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <param name="requestCodec">How requests become bytes.</param>
    /// <param name="replyCodec">How bytes become replies.</param>
    /// <returns>The method. Make one and keep it.</returns>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public static RpcMethod<TRequest, TReply> Create<TRequest, TReply>(
        RpcMethodShape shape, string service, string method, IRpcCodec<TRequest> requestCodec, IRpcCodec<TReply> replyCodec) =>
        new(shape, new RpcMethodName(service, method), requestCodec, replyCodec);

    /// <summary>Describes a method that takes one request and gives one reply, both protobuf messages.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <returns>The method. Make one and keep it.</returns>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public static RpcMethod<TRequest, TReply> Unary<TRequest, TReply>(string service, string method)
        where TRequest : IMessage<TRequest>, new()
        where TReply : IMessage<TReply>, new() => Create<TRequest, TReply>(RpcMethodShape.Unary, service, method);

    /// <summary><c>service/method</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Name.ToString();

    internal abstract RpcMessageKind RequestKind { get; }

    internal void ThrowIfNot(RpcMethodShape shape)
    {
        if (Shape != shape)
        {
            throw new ArgumentException($"{Name} has the shape {Shape} and is called as {shape}.", nameof(shape));
        }
    }
}
