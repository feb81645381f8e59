using System.Globalization;

namespace Kestrel.Rpc.Transport;

/// <summary>What a loop really runs on, after everything that the kernel refused: for the log and the meter.</summary>
/// <param name="Engine"><c>io_uring</c> or <c>epoll</c>.</param>
/// <param name="Wait">How the loop waits.</param>
internal sealed record LoopMode(string Engine, string Wait)
{
    /// <summary>
    /// <c>sleep</c>, <c>spin 50us</c> (then sleep) or <c>spin</c> (always), with <c>+sqpoll</c> and <c>+napi</c> where they
    /// are in force.
    /// </summary>
    public static LoopMode Create(string engine, TimeSpan spinTime, bool submissionPolling, bool napi)
    {
        string wait = spinTime == TimeSpan.Zero ? "sleep"
            : spinTime == Timeout.InfiniteTimeSpan ? "spin"
            : string.Create(CultureInfo.InvariantCulture, $"spin {spinTime.TotalMicroseconds:0.#}us");
        return new LoopMode(engine, wait + (submissionPolling ? "+sqpoll" : "") + (napi ? "+napi" : ""));
    }
}
