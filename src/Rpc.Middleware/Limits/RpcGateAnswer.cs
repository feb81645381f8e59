namespace Kestrel.Rpc.Middleware;

/// <summary>What a limit says to a call.</summary>
internal enum RpcGateAnswer
{
    /// <summary>It is let in, and counts until it leaves.</summary>
    Entered,

    /// <summary>It is refused; its fault says why.</summary>
    Refused,

    /// <summary>It may wait: once its request is parsed it is to be handed over.</summary>
    Wait,

    /// <summary>It may run uncounted, as long as its connection reads nothing meanwhile.</summary>
    InPlace,
}
