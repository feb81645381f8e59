namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Where a call runs until its first await. What comes after an await runs where the awaited task continues it, which is the thread pool for
/// nearly all of them.
/// </summary>
public enum RpcScheduling
{
    /// <summary>
    /// On the thread pool. Safe for every handler: one that blocks delays no other call. The calls of one read start together, as one work
    /// item from which other threads take over what a call that blocks would hold back. The last of them runs on the thread that has read it,
    /// after that has let another one read; it does so on threads of the pool only, never on an event loop.
    /// </summary>
    ThreadPool,

    /// <summary>
    /// On the connection's read loop, in the order of arrival; the replies of one read leave together. Fastest, and only for
    /// handlers that never block: while one runs, the later calls of its connection and its replies that are ready wait, and
    /// on a transport that runs application code on its event loop the calls of other connections too.
    /// </summary>
    Inline,

    /// <summary>
    /// On threads that run nothing else (<see cref="RpcServerOptions.Dedicated"/>), in the order of arrival. For handlers that block for long:
    /// they keep no thread from the pool, which all other code of the process shares. If too many calls wait for those threads, further ones
    /// are refused as not processed.
    /// </summary>
    Dedicated,
}
