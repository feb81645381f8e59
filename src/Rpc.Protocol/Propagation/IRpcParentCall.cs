namespace Kestrel.Rpc.Protocol;

/// <summary>
/// A call as the calls see it that are made for it: how long they may take, and when nobody wants them any more. The context of a server's call is one; a
/// client's options take one. So servers and clients need not know each other.
/// </summary>
public interface IRpcParentCall
{
    /// <summary>The time that is left for the call, zero or less when it is over; <see langword="null"/> without a limit.</summary>
    TimeSpan? TimeLeft { get; }

    /// <summary>Cancelled when nobody waits for the call any more.</summary>
    CancellationToken CancellationToken { get; }
}
