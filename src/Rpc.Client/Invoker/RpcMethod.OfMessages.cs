using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A method as a client sees it: its name, its shape, and how its messages are serialised. Immutable, so safe to share between threads; make one and keep it.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
public sealed class RpcMethod<TRequest, TReply>
{
    /// <summary>Describes a method. For protobuf messages there is <see cref="RpcMethod.Create"/>.</summary>
    /// <param name="shape">How many messages it takes and gives.</param>
    /// <param name="name">Its name.</param>
    /// <param name="requestMarshaller">How requests become bytes.</param>
    /// <param name="replyMarshaller">How bytes become replies.</param>
    public RpcMethod(
        RpcMethodShape shape,
        RpcMethodName name,
        RpcMarshaller<TRequest> requestMarshaller,
        RpcMarshaller<TReply> replyMarshaller)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(requestMarshaller);
        ArgumentNullException.ThrowIfNull(replyMarshaller);
        ArgumentOutOfRangeException.ThrowIfNegative((int)shape, nameof(shape));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)shape, (int)RpcMethodShape.DuplexStreaming, nameof(shape));
        Shape = shape;
        Name = name;
        RequestMarshaller = requestMarshaller;
        ReplyMarshaller = replyMarshaller;
    }

    /// <summary>How many messages it takes and gives.</summary>
    public RpcMethodShape Shape { get; }

    /// <summary>Its name.</summary>
    public RpcMethodName Name { get; }

    /// <summary>How requests become bytes.</summary>
    public RpcMarshaller<TRequest> RequestMarshaller { get; }

    /// <summary>How bytes become replies.</summary>
    public RpcMarshaller<TReply> ReplyMarshaller { get; }

    /// <summary><c>service/method</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Name.ToString();

    internal void ThrowIfNot(RpcMethodShape shape)
    {
        if (Shape != shape)
        {
            throw new ArgumentException($"{Name} has the shape {Shape} and is called as {shape}.", nameof(shape));
        }
    }
}
