namespace Kestrel.Rpc.Transport;

/// <summary>How the connections of a TCP end point come to the event loops.</summary>
public enum AcceptStrategy
{
    /// <summary>
    /// One listening socket for each end point. The first loop accepts, and each connection goes to the loop that has the
    /// fewest: eight connections on two loops are four and four.
    /// </summary>
    SharedListener,

    /// <summary>
    /// One listening socket for each loop, all bound to the same address with <c>SO_REUSEPORT</c>. The kernel chooses a socket
    /// by a hash of both addresses and ports, and the connection stays on the loop that accepts it: no loop hands connections
    /// to another, and few or unequal connections are spread unevenly.
    /// </summary>
    /// <remarks>
    /// <para>Another listener at the address is found as ever: the first socket binds and listens alone, and only then lets the others
    /// join. Once they have, the kernel lets every process of the same user join that asks for <c>SO_REUSEPORT</c> itself, and
    /// gives it a part of the connections; processes of this transport never do.</para>
    /// <para>Unix sockets and inherited descriptors cannot be bound twice: they have a shared listener, as one line in the log
    /// says. With one loop there is one socket, without <c>SO_REUSEPORT</c>. Each socket has a queue of
    /// <see cref="LinuxTransportOptions.Backlog"/> connections. Limits hold for all sockets together.</para>
    /// </remarks>
    ReusePort,
}
