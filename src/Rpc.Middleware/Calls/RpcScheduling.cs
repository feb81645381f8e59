namespace Kestrel.Rpc.Middleware;

/// <summary>Where a call runs until its first await.</summary>
public enum RpcScheduling
{
    /// <summary>
    /// Each call is a work item of the thread pool. Safe for every handler: one that blocks delays no other call.
    /// </summary>
    ThreadPool,

    /// <summary>
    /// On the connection's read loop, in the order of arrival; the replies of one read leave together. Fastest, and only for
    /// handlers that never block: while one runs, the later calls of its connection and its replies that are ready wait, and
    /// on a transport that runs application code on its event loop the calls of other connections too.
    /// </summary>
    Inline,
}
