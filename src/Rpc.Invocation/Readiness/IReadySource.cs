using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// What a multiplexer sees of a source: a descriptor, and what to do when it is readable. It fits every loop on epoll, poll or io_uring (as a
/// poll of the descriptor), edge- or level-triggered. The multiplexer does not own the source.
/// </summary>
/// <remarks>The multiplexer calls one member at a time; it may be another thread each time.</remarks>
public interface IReadySource
{
    /// <summary>Readable when there is something and the multiplexer was told that it may sleep (<see cref="Init"/>, <see cref="OnReady"/>).</summary>
    SafeHandle Descriptor { get; }

    /// <summary>
    /// The multiplexer is about to watch <see cref="Descriptor"/>, for the first time or after <see cref="Poll"/>: from here on it becomes
    /// readable when there is something, at once if there is something now.
    /// </summary>
    void Init();

    /// <summary>
    /// The descriptor is readable: handles what is there, and sees to it that the descriptor becomes readable again when there is more. May be
    /// called without need.
    /// </summary>
    /// <param name="budget">The most calls to handle before the others of the loop have their turn; at least 1.</param>
    /// <returns>How many calls it has handled.</returns>
    int OnReady(int budget);

    /// <summary>
    /// As <see cref="OnReady"/> for a loop that does not sleep: makes no system call, and the descriptor is not used until the next <see cref="Init"/>.
    /// </summary>
    /// <param name="budget">As for <see cref="OnReady"/>.</param>
    /// <returns>How many calls it has handled; 0 if there was none.</returns>
    int Poll(int budget);
}
