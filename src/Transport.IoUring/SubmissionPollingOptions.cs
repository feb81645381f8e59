namespace Kestrel.Rpc.Transport;

/// <summary>
/// A kernel thread for each loop that takes requests from the submission queue by itself (<c>IORING_SETUP_SQPOLL</c>), so
/// that a busy loop makes no system calls. Off by default: the thread takes a processor of its own while there is work, and
/// does the network stack's work for the loop.
/// </summary>
public sealed class SubmissionPollingOptions
{
    /// <summary>
    /// Whether each ring has such a thread. Default <see langword="false"/>. Where the kernel refuses it,
    /// <see cref="IoUringTransportOptions.Fallback"/> decides: a warning and rings without it, or an exception.
    /// </summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// How long the thread goes on looking when there are no requests, before it sleeps; waking it costs a system call and
    /// some 40 microseconds. Default 1 second. 1 millisecond to 1 minute, in whole milliseconds.
    /// </summary>
    public TimeSpan IdleTime { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// The processors that the threads run on: the thread of loop <c>i</c> on processor <c>i</c> of the list, which begins
    /// again at its end. Default: none, which leaves them to the scheduler. Each must be one that the process may use.
    /// </summary>
    public IList<int> Processors { get; } = [];
}
