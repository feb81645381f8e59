namespace Kestrel.Rpc.Transport;

/// <summary>Whoever is told that a registered descriptor is ready. Loop thread only.</summary>
internal interface IEpollWatcher
{
    /// <summary>
    /// The <c>EPOLL*</c> bits it waits for now; 0: none, not even errors. For a loop that asks before every wait; registered with
    /// epoll, it is told of every change whether it waits or not.
    /// </summary>
    uint Interest { get; }

    /// <summary>Called with the <c>EPOLL*</c> bits that hold now.</summary>
    void OnReady(uint events);
}
