namespace Kestrel.Rpc.Middleware;

/// <summary>What becomes of a call that comes while as many run as may.</summary>
public enum RpcLimitPolicy
{
    /// <summary>
    /// It is refused at once, not processed: RESOURCE_EXHAUSTED in version 2, <c>SERVER</c> in version 1. Costs the server least.
    /// </summary>
    Reject,

    /// <summary>
    /// It waits in a bounded queue, in order of arrival among calls of one priority, until one ends, it is cancelled, or its time is over. A call whose time
    /// is too short for what waits ahead of it, and one that finds the queue full, is refused at once. It runs on the thread pool then, also with
    /// <see cref="RpcScheduling.Inline"/>.
    /// </summary>
    Wait,

    /// <summary>
    /// It runs all the same, and nothing more is read from its connection until its handler has ended: the caller feels the load as back-pressure. On the
    /// thread that reads if that is one of the pool. Each connection has one such call at most. Calls with streams need frames that would not be read, so they are refused.
    /// </summary>
    RunInPlace,
}
