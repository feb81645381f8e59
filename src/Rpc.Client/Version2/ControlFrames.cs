using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// The frames that carry no message, on their way out: one item of the output, however many there are. What is of one kind is added up, so
/// that a peer that reads nothing cannot make it grow beyond a few entries a call. Any thread.
/// </summary>
internal sealed class ControlFrames(RequestQueue requests) : IOutputItem
{
    private readonly Lock _lock = new();
    private List<(uint CallId, int Bytes)> _credits = [];
    private List<(uint CallId, RpcStatusCode Code)> _cancels = [];
    private List<(uint CallId, int Bytes)> _writtenCredits = []; // of the writer, as the next: swapped with those above
    private List<(uint CallId, RpcStatusCode Code)> _writtenCancels = [];
    private RpcSettings? _settings;
    private (RpcGoAwayCode Code, string Message)? _goAway;
    private ulong? _ping;
    private ulong? _pong;
    private int _connectionCredit;
    private bool _isQueued;

    IOutputItem? IOutputItem.NextInLine { get; set; }

    /// <summary>Sends SETTINGS. Before anything else is sent.</summary>
    public void Announce(RpcSettings settings)
    {
        lock (_lock)
        {
            _settings = settings;
        }

        Queue();
    }

    /// <summary>Grants credit to a call, or to the connection with id 0.</summary>
    public void Grant(uint callId, int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        lock (_lock)
        {
            if (callId == 0)
            {
                _connectionCredit += bytes; // at most the window
            }
            else
            {
                _credits.Add((callId, bytes));
            }
        }

        Queue();
    }

    /// <summary>Tells that a call was given up.</summary>
    public void Cancel(uint callId, RpcStatusCode code)
    {
        lock (_lock)
        {
            _cancels.Add((callId, code));
        }

        Queue();
    }

    /// <summary>Asks whether the peer is there.</summary>
    public void Ping(ulong opaque)
    {
        lock (_lock)
        {
            _ping = opaque;
        }

        Queue();
    }

    /// <summary>Answers a PING; of several that wait only the last.</summary>
    public void Pong(ulong opaque)
    {
        lock (_lock)
        {
            _pong = opaque;
        }

        Queue();
    }

    /// <summary>Says why the connection ends.</summary>
    public void GoAway(RpcGoAwayCode code, string message)
    {
        lock (_lock)
        {
            _goAway = (code, message);
        }

        Queue();
    }

    int IOutputItem.Write(PipeWriter output)
    {
        RpcSettings? settings;
        (RpcGoAwayCode Code, string Message)? goAway;
        ulong? ping;
        ulong? pong;
        int connectionCredit;
        lock (_lock)
        {
            _isQueued = false;
            (_credits, _writtenCredits) = (_writtenCredits, _credits);
            (_cancels, _writtenCancels) = (_writtenCancels, _cancels);
            (settings, _settings) = (_settings, null);
            (goAway, _goAway) = (_goAway, null);
            (ping, _ping) = (_ping, null);
            (pong, _pong) = (_pong, null);
            (connectionCredit, _connectionCredit) = (_connectionCredit, 0);
        }

        int written = settings?.Write(output) ?? 0;
        written += ping is { } question ? RpcControlFrame.WritePing(output, question) : 0;
        written += pong is { } answer ? RpcControlFrame.WritePong(output, answer) : 0;
        written += connectionCredit > 0 ? RpcControlFrame.WriteCredit(output, 0, connectionCredit) : 0;
        foreach ((uint callId, int bytes) in _writtenCredits)
        {
            written += RpcControlFrame.WriteCredit(output, callId, bytes);
        }

        foreach ((uint callId, RpcStatusCode code) in _writtenCancels)
        {
            written += RpcControlFrame.WriteCancel(output, callId, code);
        }

        _writtenCredits.Clear();
        _writtenCancels.Clear();
        return written + (goAway is { } end ? RpcControlFrame.WriteGoAway(output, end.Code, end.Message) : 0);
    }

    // It stays queued for ever: nothing can be sent any more, so nothing need be.
    void IOutputItem.Discard()
    {
        lock (_lock)
        {
            _credits.Clear();
            _cancels.Clear();
        }
    }

    private void Queue()
    {
        lock (_lock)
        {
            if (_isQueued)
            {
                return;
            }

            _isQueued = true;
        }

        requests.Enqueue(this);
    }
}
