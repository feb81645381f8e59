namespace Kestrel.Rpc.Middleware;

/// <summary>What runs on a dedicated thread. One of the two is called, once.</summary>
internal interface IRpcDedicatedWork
{
    /// <summary>Runs it. Throws nothing.</summary>
    void Execute();

    /// <summary>Ends it without running it.</summary>
    void Refuse(RpcFault fault);
}
