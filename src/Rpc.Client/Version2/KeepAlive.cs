namespace Kestrel.Rpc.Client;

/// <summary>Asks a silent server whether it is there, and tells when it does not answer. Looks at a flag now and then: reading sets it.</summary>
internal sealed class KeepAlive : IDisposable
{
    private readonly TimeSpan _interval;
    private readonly TimeSpan _timeout;
    private readonly Action<ulong> _ping;
    private readonly Action _onSilence;
    private readonly ITimer _timer;
    private volatile bool _hasReceived;
    private bool _isAsked; // of the timer, whose callbacks do not overlap: each sets the next
    private ulong _asked;

    public KeepAlive(RpcConnectionOptions options, Action<ulong> ping, Action onSilence)
    {
        _interval = options.KeepAliveInterval;
        _timeout = options.KeepAliveTimeout;
        _ping = ping;
        _onSilence = onSilence;
        _timer = options.TimeProvider.CreateTimer(
            static state => ((KeepAlive)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Start() => _timer.Change(_interval, Timeout.InfiniteTimeSpan);

    /// <summary>Notes that something has come. On the read loop.</summary>
    public void OnReceived() => _hasReceived = true;

    public void Dispose() => _timer.Dispose();

    private void OnTimer()
    {
        bool isSilent = !_hasReceived;
        _hasReceived = false;
        if (_isAsked && isSilent)
        {
            _onSilence();
            return;
        }

        _isAsked = isSilent;
        if (isSilent)
        {
            _ping(++_asked);
        }

        _timer.Change(_isAsked ? _timeout : _interval, Timeout.InfiniteTimeSpan);
    }
}
