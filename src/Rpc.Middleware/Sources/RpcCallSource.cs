using Google.Protobuf;
using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The calls of many methods as one source, see <see cref="RpcSource{TArg, TRet}"/>: the argument is the call with its name, its request, its metadata.
/// Made by <c>app.MapRpcSource()</c>, of the application or of a group.
/// </summary>
/// <remarks>
/// The <see cref="RpcContext"/> belongs to whoever has received the call, until the reply: give the reply last. The context of a call that was given up may
/// be used on, it is not used again.
/// </remarks>
public sealed class RpcCallSource : RpcSource<RpcContext, IMessage>
{
    private readonly RpcGroup _group;

    internal RpcCallSource(RpcGroup group, RpcSourceOptions? options)
        : base(options, group.Services)
    {
        _group = group;
    }

    /// <summary>Adds the calls of a method.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <param name="name">The name, as for <c>MapRpc</c> of the application or the group that the source was made of.</param>
    /// <returns>For adding filters, metadata and further names.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="InvalidOperationException">The host has started already.</exception>
    public RpcEndpointConventionBuilder MapRpc<TRequest>(string name)
        where TRequest : class, IMessage<TRequest>, new() =>
        RpcInvocations.MapCalls<TRequest>(_group, _group.ParseName(name, nameof(name)), Entrance, ContinuesInline);
}
