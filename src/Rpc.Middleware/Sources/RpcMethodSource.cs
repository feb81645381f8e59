using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>The calls of one method as a source, see <see cref="RpcSource{TArg, TRet}"/>. Made by <c>app.MapRpcSource&lt;TRequest, TReply>(name)</c>.</summary>
/// <typeparam name="TRequest">The request message.</typeparam>
/// <typeparam name="TReply">The reply message.</typeparam>
public sealed class RpcMethodSource<TRequest, TReply> : RpcSource<TRequest, TReply>
    where TRequest : class, IMessage<TRequest>, new()
    where TReply : class, IMessage
{
    internal RpcMethodSource(RpcGroup group, RpcMethodName name, RpcSourceOptions? options)
        : base(options, group.Services)
    {
        Method = RpcInvocations.Map(group, name, Entrance, ContinuesInline);
    }

    /// <summary>The method: for adding filters, metadata and further names.</summary>
    public RpcEndpointConventionBuilder Method { get; }
}
