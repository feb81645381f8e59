namespace Kestrel.Rpc.Middleware;

/// <summary>
/// How much of what costs the server work and the peer next to nothing one connection may send within a second. A connection that sends more is
/// ended with GOAWAY(EnhanceYourCalm), its calls are cancelled, and a warning is logged; all others go on. Version 2; version 1 has requests only. Each
/// number 1 or more; <see cref="int.MaxValue"/> for no bound.
/// </summary>
public sealed class RpcFloodOptions
{
    /// <summary>PING, PONG and GOAWAY frames a second. Default 1,000: one in 20 s is what a client needs.</summary>
    public int MaxPings { get; set; } = 1_000;

    /// <summary>
    /// Calls a second that are cancelled while they are under way, although their time is not over: each is a handler started, and stopped, for nothing. However
    /// many they are, a call whose handler runs on counts in <see cref="RpcServerLimits.MaxConcurrentCallsPerConnection"/>. Default 5,000.
    /// </summary>
    public int MaxCancels { get; set; } = 5_000;

    /// <summary>CREDIT frames a second that grant less than 4 KiB. Default 20,000; our client grants half of a window at a time.</summary>
    public int MaxSmallGrants { get; set; } = 20_000;

    /// <summary>
    /// DATA, CREDIT and CANCEL frames a second for calls that are not under way. Some cross the end of their call on the wire: as many as its credit
    /// takes, at most. Default 50,000.
    /// </summary>
    public int MaxStrayFrames { get; set; } = 50_000;

    /// <summary>
    /// Requests a second that are wrong by themselves: of methods that do not exist, beyond the number of calls that the client was told, with a message or metadata over
    /// a limit. Default 10,000. Requests that only come too late, or that the server has no room for, do not count.
    /// </summary>
    public int MaxRefusedCalls { get; set; } = 10_000;
}
