using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>The credit of one call, both directions. Under the lock of <see cref="FlowControl"/>; never to be copied.</summary>
internal struct CallCredit
{
    /// <summary>For DATA to the server. With <see cref="Sends"/>.</summary>
    public RpcSendCredit Sent;

    /// <summary>For DATA of the server. With <see cref="Receives"/>.</summary>
    public RpcReceiveCredit Received;

    /// <summary>Whether DATA was, or may be, sent.</summary>
    public bool Sends;

    /// <summary>Whether DATA has come.</summary>
    public bool Receives;

    /// <summary>Whether the call has ended and has given back all that it held.</summary>
    public bool HasEnded;
}
