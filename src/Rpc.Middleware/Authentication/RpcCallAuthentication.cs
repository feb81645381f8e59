using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Finds out who makes a call that has credentials of its own, in front of the middleware. Any thread, many calls at once.</summary>
internal sealed partial class RpcCallAuthentication(RpcServer server, IRpcCallAuthenticator authenticator)
{
    private readonly string _key = server.Options.Authentication.CredentialsKey.ToLowerInvariant(); // as it stands on the wire

    /// <summary>Puts it in front of a pipeline, which is counted as <see cref="RpcStep"/> does. Calls over HTTP were verified before they came here.</summary>
    public RpcDelegate Around(RpcDelegate pipeline) => context => context is RpcCall call ? InvokeAsync(call, pipeline) : pipeline(context);

    private ValueTask InvokeAsync(RpcCall call, RpcDelegate pipeline)
    {
        if (!TryFind(call, out ReadOnlyMemory<byte>? credentials))
        {
            return ValueTask.FromException(MoreThanOnce());
        }

        if (credentials is not { } presented)
        {
            return pipeline(call);
        }

        Task<RpcAuthentication> answer = Ask(call, presented.Span);
        return answer.IsCompletedSuccessfully ? Finish(answer.Result, call, pipeline) : WaitAsync(answer, call, pipeline);
    }

    private Task<RpcAuthentication> Ask(RpcCall call, ReadOnlySpan<byte> credentials)
    {
        RpcServerConnection connection = call.Owner;
        if (connection.Credentials is not { } cache)
        {
            return VerifyAsync(connection, Describe(call), call.CancellationToken);
        }

        if (cache.TryBegin(credentials, out TaskCompletionSource<RpcAuthentication> answer))
        {
            RpcAuthenticationContext context = Describe(call);
            TaskCompletionSource<RpcAuthentication> verified = answer;
            _ = RpcCallIsolation.StartApart(() => VerifyForAllAsync(connection, context, verified));
        }

        return answer.Task;
    }

    private static async ValueTask WaitAsync(Task<RpcAuthentication> asked, RpcCall call, RpcDelegate pipeline)
    {
        RpcAuthentication answer = await asked.WaitAsync(call.CancellationToken).ConfigureAwait(false);
        if (answer.IsAccepted)
        {
            await RpcResumption.Of(call);
        }

        await Finish(answer, call, pipeline).ConfigureAwait(false);
    }

    private static ValueTask Finish(RpcAuthentication answer, RpcCall call, RpcDelegate pipeline)
    {
        if (!answer.IsAccepted)
        {
            return ValueTask.FromException(new RpcException(RpcStatusCode.Unauthenticated, answer.Reason));
        }

        call.User = answer.User;
        return pipeline(call);
    }

    // Other calls wait for the answer too, so it is of the connection and does not end with this call.
    private async Task VerifyForAllAsync(RpcServerConnection connection, RpcAuthenticationContext context, TaskCompletionSource<RpcAuthentication> answer)
    {
        try
        {
            answer.SetResult(await VerifyAsync(connection, context, connection.CallsCancelled).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // Its connection is gone, and with it all who have asked.
            answer.SetResult(RpcAuthentication.Refuse());
        }
    }

    private async Task<RpcAuthentication> VerifyAsync(RpcServerConnection connection, RpcAuthenticationContext context, CancellationToken cancelled)
    {
        TimeSpan timeout = server.Live.AuthenticationTimeout;
        using CancellationTokenSource limit = new(timeout, server.TimeProvider);
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancelled);
        try
        {
            ValueTask<RpcAuthentication> asked = AskAsync(connection, context, any.Token);
            return asked.IsCompletedSuccessfully ? asked.Result : await asked.AsTask().WaitAsync(any.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Log.CallAuthenticationTimedOut(connection.Logger, context.Method, connection.Connection.ConnectionId, timeout);
            return RpcAuthentication.Refuse("The call could not be verified in time.");
        }
    }

    // Never fails but by its token: it may run on when nobody waits for it any more.
    private async ValueTask<RpcAuthentication> AskAsync(
        RpcServerConnection connection, RpcAuthenticationContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await authenticator.AuthenticateAsync(context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // It is the application's. Nobody gets in because it fails.
            Log.CallAuthenticatorFailed(connection.Logger, context.Method, connection.Connection.ConnectionId, exception);
            return RpcAuthentication.Refuse("The call could not be verified.");
        }
    }

    private RpcAuthenticationContext Describe(RpcCall call) =>
        new(call.Connection, call.Protocol, $"{call.Service}/{call.Method}", call.RequestMetadata, _key, call.User);
}
