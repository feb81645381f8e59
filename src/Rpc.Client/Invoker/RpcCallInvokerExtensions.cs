using System.Runtime.CompilerServices;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Calls with streams as <see cref="IAsyncEnumerable{T}"/>: what clients of interfaces with <c>[RpcService]</c> do. Every member is safe to call from any thread.</summary>
public static class RpcCallInvokerExtensions
{
    /// <summary>Calls a method with a stream of requests and one reply.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="invoker">What it is called with.</param>
    /// <param name="method">The method; <see cref="RpcMethodShape.ClientStreaming"/>.</param>
    /// <param name="requests">
    /// The requests. What it throws gives the call up and is thrown here. If the server answers before it has read all, the token that it is
    /// enumerated with is cancelled, and nobody waits for it.
    /// </param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <returns>The reply.</returns>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async Task<TReply> CallClientStreamAsync<TRequest, TReply>(
        this RpcCallInvoker invoker, RpcMethod<TRequest, TReply> method, IAsyncEnumerable<TRequest> requests, RpcCallOptions options = default)
    {
        ArgumentNullException.ThrowIfNull(invoker);
        ArgumentNullException.ThrowIfNull(requests);
        using CancellationTokenSource ended = new();
        using RpcClientStreamingCall<TRequest, TReply> call = invoker.StartClientStream(method, options);
        RequestPump<TRequest> pump = new(call, call.Requests);
        Task pumping = pump.RunAsync(requests, ended.Token);
        try
        {
            return await call.ReplyAsync.ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException && pump.Failure is not null)
        {
            // It failed because it was given up.
            pump.Failure.Throw();
            throw;
        }
        finally
        {
            await StopAsync(ended, pumping).ConfigureAwait(false);
        }
    }

    /// <summary>Calls a method with one request and a stream of replies.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="invoker">What it is called with.</param>
    /// <param name="method">The method; <see cref="RpcMethodShape.ServerStreaming"/>.</param>
    /// <param name="request">The request. Not to be changed before the call has ended.</param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <param name="cancellationToken">Gives the call up, as the one of the options does.</param>
    /// <returns>The replies. Each enumeration is a call of its own, which ends with it.</returns>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async IAsyncEnumerable<TReply> ReadServerStreamAsync<TRequest, TReply>(
        this RpcCallInvoker invoker,
        RpcMethod<TRequest, TReply> method,
        TRequest request,
        RpcCallOptions options = default,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(invoker);
        using RpcServerStreamingCall<TReply> call = invoker.StartServerStream(method, request, options);
        while (await call.Replies.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return call.Replies.Current;
        }
    }

    /// <summary>Calls a method with a stream in each direction.</summary>
    /// <typeparam name="TRequest">The request message.</typeparam>
    /// <typeparam name="TReply">The reply message.</typeparam>
    /// <param name="invoker">What it is called with.</param>
    /// <param name="method">The method; <see cref="RpcMethodShape.DuplexStreaming"/>.</param>
    /// <param name="requests">
    /// The requests, enumerated beside the replies. What it throws gives the call up and is thrown to who reads those. Once they have ended, the token
    /// that it is enumerated with is cancelled, and nobody waits for it.
    /// </param>
    /// <param name="options">What the call has beside its messages.</param>
    /// <param name="cancellationToken">Gives the call up, as the one of the options does.</param>
    /// <returns>The replies. Each enumeration is a call of its own, which ends with it.</returns>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public static async IAsyncEnumerable<TReply> ReadDuplexStreamAsync<TRequest, TReply>(
        this RpcCallInvoker invoker,
        RpcMethod<TRequest, TReply> method,
        IAsyncEnumerable<TRequest> requests,
        RpcCallOptions options = default,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(invoker);
        ArgumentNullException.ThrowIfNull(requests);
        using CancellationTokenSource ended = new();
        using RpcDuplexStreamingCall<TRequest, TReply> call = invoker.StartDuplexStream(method, options);
        RequestPump<TRequest> pump = new(call, call.Requests);
        Task pumping = pump.RunAsync(requests, ended.Token);
        try
        {
            while (await MoveNextAsync(call.Replies, pump, cancellationToken).ConfigureAwait(false))
            {
                yield return call.Replies.Current;
            }
        }
        finally
        {
            // An enumeration that is left early gives the call up first, so that the pump knows why it stops.
            call.Dispose();
            await StopAsync(ended, pumping).ConfigureAwait(false);
        }
    }

    private static async ValueTask<bool> MoveNextAsync<TRequest, TReply>(
        IRpcStreamReader<TReply> replies, RequestPump<TRequest> pump, CancellationToken cancellationToken)
    {
        try
        {
            return await replies.MoveNextAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException && pump.Failure is not null)
        {
            // It failed because it was given up.
            pump.Failure.Throw();
            throw;
        }
    }

    // Not waited for: requests that do not heed their token would keep the caller from an answer that is there.
    private static async ValueTask StopAsync(CancellationTokenSource ended, Task pumping)
    {
        if (!pumping.IsCompleted)
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }
}
