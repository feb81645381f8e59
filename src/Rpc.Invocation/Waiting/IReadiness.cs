namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Something one can wait for without asking again and again. The waiter is armed first, then <see cref="IsReady"/> is read once more, and
/// only if it is false does anybody sleep: what becomes ready in between is seen by one of the two. Any thread.
/// </summary>
public interface IReadiness
{
    /// <summary>Whether there is something now, the end of the source included.</summary>
    bool IsReady { get; }

    /// <summary>Has <paramref name="waiter"/> told, once, when there is something. A full fence: <see cref="IsReady"/> is read after it.</summary>
    /// <param name="waiter">Armed nowhere.</param>
    void Arm(SourceWaiter waiter);

    /// <summary>Takes <paramref name="waiter"/> back.</summary>
    /// <param name="waiter">Armed here before.</param>
    /// <returns>
    /// True: it was not told and will not be. False: it was told. Who was told must look (receive, or find nothing): others who wait rely on it.
    /// </returns>
    bool Disarm(SourceWaiter waiter);
}
