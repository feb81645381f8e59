using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Calls as invocations: the end of a pipeline whose handler is one of <c>Kestrel.Rpc.Invocation</c>. The call ends when the handler has ended and the
/// reply was given, or nobody waits for it any more.
/// </summary>
internal static class RpcInvocations
{
    /// <summary>Maps a method to a handler that gets the request.</summary>
    public static RpcEndpointConventionBuilder Map<TRequest, TReply>(
        RpcGroup group, RpcMethodName name, IInvocationHandler<TRequest, TReply> handler, bool continuesInline)
        where TRequest : class, IMessage<TRequest>, new()
        where TReply : class, IMessage => Map<TRequest, TRequest, TReply>(
            group,
            name,
            handler,
            context => EndAsync(
                context,
                handler.InvokeToEndAsync((TRequest)context.Request, continuesInline, context.CancellationToken)));

    /// <summary>Maps a method to a handler that gets the whole call.</summary>
    public static RpcEndpointConventionBuilder MapCalls<TRequest>(
        RpcGroup group, RpcMethodName name, IInvocationHandler<RpcContext, IMessage> handler, bool continuesInline)
        where TRequest : class, IMessage<TRequest>, new() => Map<TRequest, RpcContext, IMessage>(
            group,
            name,
            handler,
            context => RunWithContext(context, handler, continuesInline));

    private static RpcEndpointConventionBuilder Map<TRequest, TArg, TReply>(
        RpcGroup group, RpcMethodName name, IInvocationHandler<TArg, TReply> handler, RpcDelegate run)
        where TRequest : class, IMessage<TRequest>, new()
    {
        // The delegate is for its attributes only.
        Func<Invocation<TArg, TReply>, ValueTask> method = handler.HandleAsync;
        return new RpcEndpointConventionBuilder(group.Map(name, method, new RpcBoundHandler(RpcRequestParsers.Create<TRequest>(), run)).Conventions);
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited once, here or below.")]
    private static ValueTask EndAsync<TReply>(RpcContext context, ValueTask<TReply> reply)
        where TReply : class, IMessage
    {
        if (!reply.IsCompletedSuccessfully)
        {
            return AwaitAsync(context, reply);
        }

        context.Reply = reply.Result;
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AwaitAsync<TReply>(RpcContext context, ValueTask<TReply> reply)
        where TReply : class, IMessage
    {
        try
        {
            context.Reply = await reply.ConfigureAwait(false);
        }
        catch (InvocationRejectedException rejected)
        {
            throw RpcNotTaken.Because(RpcStatusCode.Unavailable, rejected.Message, rejected);
        }
        catch (InvocationDroppedException)
        {
            context.Reply = null; // as every handler that gives no reply: the end of the call says and logs so
        }
    }

    // Whoever has received the call may have the context longer than the call lasts, if that is given up: it counts as a part of the pipeline that still
    // runs, so that the object never becomes another call. With the reply, or the error in its place, the context comes back.
    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited once, here or below.")]
    private static ValueTask RunWithContext(RpcContext context, IInvocationHandler<RpcContext, IMessage> handler, bool continuesInline)
    {
        var call = context as RpcCall;
        call?.EnterStep();
        ValueTask<IMessage> reply = handler.InvokeToEndAsync(context, continuesInline, context.CancellationToken);
        if (!reply.IsCompletedSuccessfully)
        {
            return AwaitContextAsync(context, call, reply);
        }

        call?.LeaveStep();
        context.Reply = reply.Result;
        return default;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask AwaitContextAsync(RpcContext context, RpcCall? call, ValueTask<IMessage> reply)
    {
        bool isBack = true;
        try
        {
            context.Reply = await reply.ConfigureAwait(false);
        }
        catch (InvocationRejectedException rejected)
        {
            throw RpcNotTaken.Because(RpcStatusCode.Unavailable, rejected.Message, rejected);
        }
        catch (InvocationDroppedException)
        {
            context.Reply = null; // as above
        }
        catch (OperationCanceledException cancelled)
        {
            isBack = cancelled.CancellationToken != context.CancellationToken;
            throw;
        }
        finally
        {
            if (isBack)
            {
                call?.LeaveStep();
            }
        }
    }
}
