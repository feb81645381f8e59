using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

public sealed partial class RpcConnection
{
    /// <summary>Calls a method and waits for its reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="service">The service as it is called on the wire.</param>
    /// <param name="method">The method.</param>
    /// <param name="request">The request. Not to be changed before the call has ended: it may have to wait.</param>
    /// <param name="cancellationToken">
    /// Ends the call here at once. Version 1 cannot tell the server, which may still run it; its late reply is dropped.
    /// </param>
    /// <returns>The reply. Await it once, as every <see cref="ValueTask{TResult}"/>.</returns>
    /// <exception cref="RpcException">
    /// The server answered with an error, which gives code and message; or <see cref="RpcErrorCode.Connection"/> or
    /// <see cref="RpcErrorCode.Network"/>: the connection is closed or was lost; <see cref="RpcErrorCode.Client"/>: a limit of
    /// <see cref="RpcConnectionOptions"/> was reached; <see cref="RpcErrorCode.Serialization"/>,
    /// <see cref="RpcErrorCode.Encoding"/>: the request cannot be sent; <see cref="RpcErrorCode.Deserialization"/>,
    /// <see cref="RpcErrorCode.Decoding"/>: the reply cannot be read.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public ValueTask<TReply> CallAsync<TRequest, TReply>(
        string service,
        string method,
        TRequest request,
        CancellationToken cancellationToken = default)
        where TRequest : IMessage
        where TReply : IMessage<TReply>, new() =>
        CallAsync<TRequest, TReply>(_names.Get(service, method), request, cancellationToken);

    /// <summary>Calls a method by its encoded name, which saves looking that up, and waits for its reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="method">The method.</param>
    /// <param name="request">The request. Not to be changed before the call has ended: it may have to wait.</param>
    /// <param name="cancellationToken">
    /// Ends the call here at once. Version 1 cannot tell the server, which may still run it; its late reply is dropped.
    /// </param>
    /// <returns>The reply. Await it once, as every <see cref="ValueTask{TResult}"/>.</returns>
    /// <exception cref="RpcException">As with the other overload.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public ValueTask<TReply> CallAsync<TRequest, TReply>(
        RpcMethodName method,
        TRequest request,
        CancellationToken cancellationToken = default)
        where TRequest : IMessage
        where TReply : IMessage<TReply>, new()
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(request);
        RpcCallOptions options = new() { CancellationToken = cancellationToken };
        return CallAsync(method, RpcMessageFormat.AnyMessage, ProtobufFormat<TReply>.Instance, request, options);
    }

    /// <inheritdoc/>
    public override ValueTask<TReply> CallAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(request);
        method.ThrowIfNot(RpcMethodShape.Unary);
        return CallAsync(method.Name, method.RequestFormat, method.ReplyFormat, request, options);
    }

    private ValueTask<TReply> CallAsync<TReply>(
        RpcMethodName method,
        RpcMessageFormat requestFormat,
        RpcMessageFormat<TReply> replyFormat,
        object request,
        in RpcCallOptions options)
    {
        RpcCallOptions resolved = FindParent(options) is { } parent ? options.Resolve(parent) : options;
        if (resolved.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TReply>(resolved.Cause);
        }

        PendingCall<TReply> call = PendingCall<TReply>.Rent(_session, method, requestFormat, replyFormat, resolved);
        return _session.Send(call, request) is { } refusal ? ValueTask.FromException<TReply>(refusal) : call.AsValueTask();
    }

    // The call that a new one is made for.
    private IRpcParentCall? FindParent(in RpcCallOptions options) => options.Parent ?? (_followsAmbientCall ? RpcParentCall.Current : null);
}
