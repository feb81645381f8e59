namespace Kestrel.Rpc.Transport;

/// <summary>Whoever is told that a registered descriptor is ready. Loop thread only.</summary>
internal interface IEpollWatcher
{
    /// <summary>Called with the <c>EPOLL*</c> bits that hold now.</summary>
    void OnReady(uint events);
}
