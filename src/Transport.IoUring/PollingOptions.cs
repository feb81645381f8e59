namespace Kestrel.Rpc.Transport;

/// <summary>
/// How the event loops of a transport wait. All of it is off by default: a loop without work sleeps in the kernel and costs
/// nothing. Polling buys latency with processor time; see docs/transports.md for what each mode costs.
/// </summary>
/// <remarks>
/// It pays with <see cref="ApplicationScheduling.Inline"/> and a processor for each loop: on the thread pool every request
/// still changes threads, and a loop that shares its processor with anything else takes that processor's time for nothing.
/// </remarks>
public sealed class PollingOptions
{
    /// <summary>
    /// How long a loop that has nothing to do goes on looking for work before it sleeps; counted from the last work it had.
    /// Default <see cref="TimeSpan.Zero"/>: it sleeps at once. Up to 1 minute; <see cref="Timeout.InfiniteTimeSpan"/> means
    /// that it never sleeps and takes a whole processor. Some 20 to 100 microseconds bridge the gaps of a conversation and
    /// cost an idle server nothing.
    /// </summary>
    /// <remarks>
    /// io_uring: the loop watches the completion ring in memory and enters the kernel only when that announces work. epoll:
    /// it waits with a time-out of zero. Other threads need no system call to wake a loop that spins.
    /// </remarks>
    public TimeSpan SpinTime { get; set; }

    /// <summary>
    /// How long the kernel itself polls the network card's queues before it lets a loop sleep (NAPI busy polling), and on
    /// epoll with each look. Default <see cref="TimeSpan.Zero"/>: it does not. 1 microsecond to 1 second, in whole
    /// microseconds. Needs Linux 6.9 and a card whose driver has NAPI; the loopback interface has none. Where the kernel
    /// refuses, one warning says so and the transport goes on without it.
    /// </summary>
    public TimeSpan NapiBusyPollTime { get; set; }
}
