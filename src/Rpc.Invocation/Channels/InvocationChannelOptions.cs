namespace Kestrel.Rpc.Invocation;

/// <summary>How an <see cref="InvocationChannel{TArg, TRet}"/> behaves. Read when the channel is made.</summary>
public sealed class InvocationChannelOptions
{
    /// <summary>
    /// The most calls that wait to be received; rounded up to a power of two, at least 2. Default: 1,024. A client waits for room, or
    /// does without, beyond that.
    /// </summary>
    public int Capacity { get; set; } = 1024;

    /// <summary>
    /// Whether the client's code after <c>await</c> may run on the thread that replies, which saves the thread pool's time and lets a slow
    /// client hold up the server. Default: false.
    /// </summary>
    public bool ContinuesInline { get; set; }

    /// <summary>
    /// How long <see cref="InvocationChannelClient{TArg, TRet}.Invoke"/> looks for the reply before it lets the thread sleep.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: it never sleeps, for the shortest way to a server that does not either. Default: zero.
    /// </summary>
    public TimeSpan ReplySpinTime { get; set; }

    /// <summary>The clock of <see cref="ReplySpinTime"/>. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
