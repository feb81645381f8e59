namespace Kestrel.Rpc.Middleware;

/// <content>What security needs to know of a connection.</content>
internal sealed partial class RpcServerConnection
{
    private RpcCredentialCache? _credentials; // with the first call that has some

    /// <summary>The credentials of its calls that were accepted; null if none are remembered. Any thread.</summary>
    public RpcCredentialCache? Credentials => !Server.RemembersCredentials
        ? null
        : Volatile.Read(ref _credentials) ?? Interlocked.CompareExchange(ref _credentials, Server.CreateCredentialCache(), null) ?? _credentials;

    /// <summary>When the bytes were read that are being looked at: a timestamp of the server's clock. Read loop only.</summary>
    public long ReadAt => _receivedAt;
}
