using System.Security.Claims;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Who makes a call over HTTP. An application with <c>AddAuthentication</c> has its schemes for HTTP requests: who they say. Else the authenticators of RPC are
/// asked, as for any call. One who verifies connections is always asked, for each request: what it refuses is served nowhere, and a proxy may send
/// the requests of many over one connection. Any thread, many calls at once.
/// </summary>
internal sealed class RpcHttpAuthentication(RpcServer server)
{
    private readonly IRpcConnectionAuthenticator? _connections = server.Services.GetService<IRpcConnectionAuthenticator>();
    private readonly IRpcCallAuthenticator? _calls = HasSchemes(server.Services) ? null : server.Services.GetService<IRpcCallAuthenticator>();
    private readonly string _key = server.Options.Authentication.CredentialsKey.ToLowerInvariant();

    /// <summary>Whether the application authenticates HTTP requests itself.</summary>
    public static bool HasSchemes(IServiceProvider services) => services.GetService<IAuthenticationSchemeProvider>() is not null;

    /// <summary>Finds out who makes a call.</summary>
    /// <exception cref="RpcException">The call is refused.</exception>
    public async ValueTask VerifyAsync(RpcHttpCall call)
    {
        if (_connections is not null)
        {
            ClaimsPrincipal user = await AskAsync(_connections.AuthenticateAsync, call, isCall: false).ConfigureAwait(false);
            if (!call.User.Identities.Any(identity => identity.IsAuthenticated))
            {
                call.User = user;
            }
        }

        if (_calls is null)
        {
            return;
        }

        switch (call.RequestMetadata.Count(entry => string.Equals(entry.Key, _key, StringComparison.Ordinal)))
        {
            case 0:
                return;
            case 1:
                call.User = await AskAsync(_calls.AuthenticateAsync, call, isCall: true).ConfigureAwait(false);
                return;
            default:
                // What is in front of the server may have looked at another one.
                throw new RpcException(RpcStatusCode.Unauthenticated, "The call has credentials more than once.");
        }
    }

    private async Task<ClaimsPrincipal> AskAsync(
        Func<RpcAuthenticationContext, CancellationToken, ValueTask<RpcAuthentication>> authenticate, RpcHttpCall call, bool isCall)
    {
        RpcAuthenticationContext context = new(call.Connection, call.Protocol, call.Name.ToString(), call.RequestMetadata, _key, call.User);
        TimeSpan timeout = server.Live.AuthenticationTimeout;
        using CancellationTokenSource limit = new(timeout, server.TimeProvider);
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, call.CancellationToken);
        RpcAuthentication answer;
        try
        {
            answer = await authenticate(context, any.Token).AsTask().WaitAsync(any.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Log.CallAuthenticationTimedOut(server.Logger, context.Method, call.Connection.ConnectionId, timeout);
            throw new RpcException(RpcStatusCode.Unauthenticated, "The call could not be verified in time.");
        }
        catch (Exception exception) when (!call.CancellationToken.IsCancellationRequested)
        {
            // It is the application's. Nobody gets in because it fails.
            Log.CallAuthenticatorFailed(server.Logger, context.Method, call.Connection.ConnectionId, exception);
            throw new RpcException(RpcStatusCode.Unauthenticated, "The call could not be verified.");
        }

        if (answer.IsAccepted)
        {
            return answer.User;
        }

        if (!isCall)
        {
            Log.NotAuthenticated(server.Logger, call.Connection.ConnectionId, RpcNames.ForLog(answer.Reason));
        }

        throw new RpcException(RpcStatusCode.Unauthenticated, answer.Reason);
    }
}
