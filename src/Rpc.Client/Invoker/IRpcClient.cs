namespace Kestrel.Rpc.Client;

/// <summary>A typed client, as generated code makes it: whoever has an invoker can make one without reflection.</summary>
/// <typeparam name="TSelf">The client.</typeparam>
public interface IRpcClient<out TSelf>
{
    /// <summary>Makes a client.</summary>
    /// <param name="invoker">What it calls with; not disposed of by the client.</param>
    /// <returns>The client. Safe to use from any thread, as the invoker is.</returns>
    static abstract TSelf Create(RpcCallInvoker invoker);
}
