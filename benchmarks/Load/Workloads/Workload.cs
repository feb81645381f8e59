namespace Kestrel.Rpc.Benchmarks.Load.Workloads;

/// <summary>What a server serves and the load client asks for.</summary>
internal enum Workload
{
    /// <summary>A raw connection handler sends 64 bytes back.</summary>
    Echo,

    /// <summary>13 bytes of text through Kestrel's HTTP/1.1 stack and routing.</summary>
    Http,

    /// <summary>Hello("world") through AddRpc and MapRpc, in version 1 of the protocol.</summary>
    Rpc,

    /// <summary>The same in version 2.</summary>
    Rpc2,

    /// <summary>HTTP/1.1 request bodies of 1 MiB; the answer is their length.</summary>
    Upload,

    /// <summary>HTTP/1.1 responses of 1 MiB.</summary>
    Download,

    /// <summary>The echo handler; the client connects, sends one message, reads it back and closes, again and again.</summary>
    Connect,

    /// <summary>The echo handler; every connection exchanges one message and stays open. What counts is the server's memory.</summary>
    Idle,

    /// <summary>The echo handler and one connection; the client sleeps until the answer comes.</summary>
    PingPong,

    /// <summary>The same, but the client looks for the answer without sleeping.</summary>
    PingPongSpin,

    /// <summary>The echo handler; the client is on a transport of ours too, and what counts is the client's CPU.</summary>
    Dial,
}
