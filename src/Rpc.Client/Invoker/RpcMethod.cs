using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Makes <see cref="RpcMethod{TRequest, TReply}"/> for protobuf messages.</summary>
public static class RpcMethod
{
    /// <summary>Describes a method.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="shape">How many messages it takes and gives.</param>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <returns>The method. Make one and keep it.</returns>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public static RpcMethod<TRequest, TReply> Create<TRequest, TReply>(RpcMethodShape shape, string service, string method)
        where TRequest : IMessage<TRequest>, new()
        where TReply : IMessage<TReply>, new() =>
        new(shape, new RpcMethodName(service, method), RpcMarshaller.Protobuf<TRequest>(), RpcMarshaller.Protobuf<TReply>());

    /// <summary>Describes a method that takes one request and gives one reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <returns>The method. Make one and keep it.</returns>
    /// <exception cref="ArgumentException">A name is empty or not valid text.</exception>
    public static RpcMethod<TRequest, TReply> Unary<TRequest, TReply>(string service, string method)
        where TRequest : IMessage<TRequest>, new()
        where TReply : IMessage<TReply>, new() => Create<TRequest, TReply>(RpcMethodShape.Unary, service, method);
}
