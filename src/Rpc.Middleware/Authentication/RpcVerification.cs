using System.Text;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>The verification of one connection. Of its read loop, which waits for it and reads nothing meanwhile.</summary>
internal sealed class RpcVerification(RpcServerConnection connection, IRpcConnectionAuthenticator authenticator)
{
    private RpcAuthenticationContext? _context;

    /// <summary>The first request of our own protocol.</summary>
    public RpcFrameHeader Request { get; private set; }

    /// <summary>Notes the first request of our own protocol.</summary>
    public void Describe(in RpcFrame request)
    {
        Request = request.Header;
        if (request.Header.Version != RpcFrameHeader.Version2)
        {
            bool isRead = RpcProtocolData.TryReadRequest(request.ProtocolData, out RpcProtocolData data, out _);
            Describe(isRead ? $"{data.ServiceName}/{data.MethodName}" : "", RpcMetadata.Empty);
            return;
        }

        using RpcHeaderBytes bytes = new(request.ProtocolData);
        bool isHeader = RpcReceivedHeader.Read(request.Header, bytes.Span, out RpcReceivedHeader header) == RpcHeaderError.None;
        RpcMetadata metadata = RpcMetadata.Empty;
        if (isHeader && header.ReadMetadata(RpcMetadataLimits.Default, out RpcMetadata read) == RpcMetadataError.None)
        {
            metadata = read;
        }

        Describe(isHeader && header.Method.IsNamed ? Encoding.UTF8.GetString(header.Method.Name) : "", metadata);
    }

    /// <summary>Notes the first request of a protocol that the application has brought.</summary>
    public void Describe(in RpcProtocolRequest request) =>
        Describe(Encoding.UTF8.GetString(request.Method), request.Metadata ?? RpcMetadata.Empty);

    /// <summary>Asks the authenticator. Ends in time, and without an exception.</summary>
    /// <returns>Why the connection ends; null if it was accepted.</returns>
    public async Task<RpcStatus?> RunAsync()
    {
        CancellationToken stopRequested =
            connection.Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
        TimeSpan timeout = connection.Server.Live.AuthenticationTimeout;
        using CancellationTokenSource limit = new(timeout, connection.Server.TimeProvider);
        using CancellationTokenSource any =
            CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stopRequested, connection.CallsCancelled);
        try
        {
            RpcAuthentication answer = await AskAsync(any.Token).WaitAsync(any.Token);
            if (answer.IsAccepted)
            {
                connection.User = answer.User;
                connection.Connection.Features.Set<IConnectionUserFeature>(new UserFeature { User = answer.User });
                return null;
            }

            Log.NotAuthenticated(connection.Logger, connection.Connection.ConnectionId, RpcNames.ForLog(answer.Reason));
            return new RpcStatus(RpcStatusCode.Unauthenticated, answer.Reason);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Log.AuthenticationTimedOut(connection.Logger, connection.Connection.ConnectionId, timeout);
            return new RpcStatus(RpcStatusCode.Unauthenticated, "The connection could not be verified in time.");
        }
        catch (OperationCanceledException)
        {
            // Whoever asked has gone, or gets no more calls done here.
            return new RpcStatus(RpcStatusCode.Unavailable, "The server stops.");
        }
    }

    private void Describe(string method, RpcMetadata metadata) =>
        _context ??= new RpcAuthenticationContext(
            connection.Connection, connection.Protocol, method, metadata, connection.Server.Options.Authentication.CredentialsKey, connection.User);

    // On a thread of its own until its first await: one that blocks must not block an event loop.
    private Task<RpcAuthentication> AskAsync(CancellationToken cancellationToken) => Task.Run(
        async () =>
        {
            try
            {
                return await authenticator.AuthenticateAsync(_context!, cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // It is the application's, and may not even run any more for anybody who waits. Nobody gets in because it fails.
                Log.AuthenticatorFailed(connection.Logger, connection.Connection.ConnectionId, exception);
                return RpcAuthentication.Refuse("The connection could not be verified.");
            }
        },
        CancellationToken.None);

    private sealed class UserFeature : IConnectionUserFeature
    {
        public System.Security.Claims.ClaimsPrincipal? User { get; set; }
    }
}
