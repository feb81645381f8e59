using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>How much one peer may ask for.</summary>
public sealed class RpcServerLimits
{
    /// <summary>
    /// The longest protocol data of a request, in bytes. Default 64 KiB; 0 to <see cref="RpcFrameLimits.Largest"/>. A longer
    /// one is answered with an error and ends the connection.
    /// </summary>
    public int MaxProtocolDataLength { get; set; } = RpcFrameLimits.DefaultMaxProtocolDataLength;

    /// <summary>
    /// The longest body of a request or a reply, in bytes. Default 4 MiB; 0 to <see cref="RpcFrameLimits.Largest"/>. A longer
    /// request is answered with an error and ends the connection; a longer reply is replaced by an error.
    /// </summary>
    public int MaxBodyLength { get; set; } = RpcFrameLimits.DefaultMaxBodyLength;

    /// <summary>
    /// How many calls of one connection may be in flight, from the moment a request is read until its reply was handed to
    /// the transport. At the bound the server stops reading from a connection of version 1, and refuses further calls of version 2 with
    /// RESOURCE_EXHAUSTED, not processed; clients of version 2 are told the bound and keep to it. Default 1,000; 1 to 1,000,000.
    /// </summary>
    public int MaxConcurrentCallsPerConnection { get; set; } = 1_000;

    /// <summary>
    /// How many RPC connections the server serves, of all protocols but HTTP. The first call of a further one is answered with RESOURCE_EXHAUSTED (<c>SERVER</c> in version 1), not processed, and the
    /// connection ends; one of a protocol of the application is closed. Default <see langword="null"/>: no limit; 1 to 1,000,000. Kestrel's <c>Limits.MaxConcurrentConnections</c> and the transports'
    /// <c>MaxConnections</c> bound connections of every kind, and cost less: they turn them away without a word.
    /// </summary>
    public int? MaxConnections { get; set; }

    /// <summary>
    /// How many calls of one connection may have streams. A call beyond that is refused with RESOURCE_EXHAUSTED, not processed. Default 1,000; 1 to 1,000,000. They count among
    /// <see cref="MaxConcurrentCallsPerConnection"/>, too.
    /// </summary>
    public int MaxStreamsPerConnection { get; set; } = 1_000;

    /// <summary>
    /// How many calls of all connections run at once. By default any number. <c>RequireConcurrency</c> bounds a method; <c>DisableServerConcurrencyLimit</c> lets its calls past this.
    /// </summary>
    public RpcConcurrencyOptions Calls { get; } = new();

    /// <summary>
    /// How many calls of one connection run at once, and what becomes of the others. By default any number. Unlike <see cref="MaxConcurrentCallsPerConnection"/> it counts a call no more once its
    /// handler has ended; those that wait are in flight, too. Adaptive is not possible here: one connection shows too little.
    /// </summary>
    public RpcConcurrencyOptions CallsPerConnection { get; } = new();

    /// <summary>
    /// The key of the metadata in which callers of version 2 say how much a call matters: <c>low</c> or <c>high</c>; anything else, and every call of version 1, is normal. At a
    /// bound calls of low priority are the first to be refused, since they get three of four places, and those of high priority the first whose turn it is. Callers are believed. Default
    /// <see langword="null"/>: all calls are alike. The usual key is <c>rpc-priority</c>.
    /// </summary>
    public string? PriorityKey { get; set; }
}
