using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

public sealed partial class RpcConnection
{
    /// <inheritdoc/>
    public override RpcUnaryCall<TReply> StartCall<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamCall<TRequest, TReply> call = Start(method, RpcMethodShape.Unary, request, options);
        return new RpcUnaryCall<TReply>(call, call);
    }

    /// <inheritdoc/>
    public override RpcClientStreamingCall<TRequest, TReply> StartClientStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        RpcCallOptions options = default)
    {
        StreamCall<TRequest, TReply> call = Start(method, RpcMethodShape.ClientStreaming, request: null, options);
        return new RpcClientStreamingCall<TRequest, TReply>(call, call, call);
    }

    /// <inheritdoc/>
    public override RpcServerStreamingCall<TReply> StartServerStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        StreamCall<TRequest, TReply> call = Start(method, RpcMethodShape.ServerStreaming, request, options);
        return new RpcServerStreamingCall<TReply>(call, call);
    }

    /// <inheritdoc/>
    public override RpcDuplexStreamingCall<TRequest, TReply> StartDuplexStream<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        RpcCallOptions options = default)
    {
        StreamCall<TRequest, TReply> call = Start(method, RpcMethodShape.DuplexStreaming, request: null, options);
        return new RpcDuplexStreamingCall<TRequest, TReply>(call, call, call);
    }

    /// <inheritdoc/>
    public override Task SendOneWayAsync<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(request);
        method.ThrowIfNot(RpcMethodShape.Unary);
        RpcCallOptions resolved = FindParent(options) is { } parent ? options.Resolve(parent) : options;
        if (resolved.IsCancellationRequested)
        {
            return Task.FromCanceled(resolved.Cause);
        }

        OneWayCall call = new();
        call.Start(_session, method.Name, method.RequestFormat, resolved);
        return _session.Send(call, request) is { } refusal ? Task.FromException(refusal) : call.Task;
    }

    private StreamCall<TRequest, TReply> Start<TRequest, TReply>(
        RpcMethod<TRequest, TReply> method,
        RpcMethodShape shape,
        object? request,
        in RpcCallOptions options)
    {
        ArgumentNullException.ThrowIfNull(method);
        method.ThrowIfNot(shape);
        StreamCall<TRequest, TReply> call = new(method);
        call.Begin(_session, request, FindParent(options) is { } parent ? options.Resolve(parent) : options);
        return call;
    }
}
