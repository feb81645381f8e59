using System.Diagnostics;

namespace Kestrel.Rpc.Middleware;

/// <summary>What is noted of a call that somebody watches. Kept by its pooled call and used again with it; belongs to whoever has the call.</summary>
internal sealed class RpcObservedCall
{
    public RpcMethodTags Method { get; set; } = RpcMethodTags.Other;

    public bool HasStreams { get; set; }

    /// <summary>Whether it counts among the active calls.</summary>
    public bool IsDispatched { get; set; }

    /// <summary>Whether its pipeline has begun; if not it was refused before.</summary>
    public bool HasBegun { get; set; }

    /// <summary>From the read of its request to the beginning of its pipeline.</summary>
    public TimeSpan QueueTime { get; set; }

    /// <summary>Null if nobody wants one.</summary>
    public Activity? Activity { get; set; }

    /// <summary>Of a call with streams.</summary>
    public RpcStreamMeter? Streams { get; set; }

    /// <summary>Forgets everything about the call.</summary>
    public void Reset()
    {
        Method = RpcMethodTags.Other;
        HasStreams = false;
        IsDispatched = false;
        HasBegun = false;
        QueueTime = default;
        Activity = null;
        Streams = null;
    }
}
