using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>The request on its way out.</remarks>
internal abstract partial class PendingCall : IOutputItem
{
    private const int Waiting = 0;
    private const int Departed = 1;
    private const int Dropped = 2;

    private int _departure;
    private RpcMessageFormat _format = null!;
    private bool _isSerialized;
    private object? _ready; // of the thread that has the writer's role and writes it at once
    private object? _deferred; // under the lock of Body: the writer serialises it, or the end of the call takes it away

    /// <summary>The id on the wire: the one in the table, which forgets it when the call ends.</summary>
    public uint WireId { get; private set; }

    /// <summary>The request, serialised, if it is. Owned by the caller until the call is queued, then by the writer.</summary>
    public MessageBuffer Body { get; } = new();

    /// <summary>Whether the request was written, or its first frame, or is about to be.</summary>
    public bool HasDeparted => Volatile.Read(ref _departure) == Departed;

    /// <inheritdoc/>
    IOutputItem? IOutputItem.NextInLine { get; set; }

    /// <summary>Sets the id that the request carries.</summary>
    public void Identify(uint sequenceId) => WireId = sequenceId;

    /// <summary>Keeps the request from leaving.</summary>
    /// <returns>False if it has left already.</returns>
    public bool TryDrop() => Interlocked.CompareExchange(ref _departure, Dropped, Waiting) != Departed;

    /// <summary>Serialises the request now. If that fails, so does the call.</summary>
    public void Serialize(object request)
    {
        try
        {
            Session.Serialize(this, request);
            _isSerialized = true;
        }
        catch (RpcException exception)
        {
            FailHere(exception);
        }
    }

    /// <summary>Has the request serialised straight into the output, on this thread and right now.</summary>
    public void WriteSoon(object request) => _ready = request;

    /// <summary>Has the request serialised when its turn to be written comes.</summary>
    public void Defer(object request)
    {
        lock (Body)
        {
            _deferred = request;
            Interlocked.MemoryBarrier(); // pairs with the one in Finish
            if (_completed)
            {
                _deferred = null; // the end of the call may have looked before it was there
            }
        }
    }

    /// <summary>Bytes that a request will take.</summary>
    public int Measure(object request) => _format.Measure(request);

    /// <summary>Puts a request into exactly as many bytes as it was measured to have.</summary>
    public void WriteTo(object request, Span<byte> destination) => _format.Write(request, destination);

    /// <summary>Writes the request or its first frame, unless the call has ended. In the writer's role.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteRequest(PipeWriter output)
    {
        if (_ready is { } ready)
        {
            _ready = null;
            return TryWrite(ready, output);
        }

        if (_isSerialized)
        {
            return TryWrite(null, output);
        }

        lock (Body)
        {
            // Under the lock: when the call has ended its caller may change the message.
            object? deferred = _deferred;
            _deferred = null;
            return deferred is null ? 0 : TryWrite(deferred, output);
        }
    }

    /// <summary>Ends the call with an error that was found here, unless it has ended.</summary>
    public void FailHere(RpcException exception)
    {
        if (Session.Calls.Remove(this))
        {
            Fail(exception);
        }
    }

    /// <inheritdoc/>
    int IOutputItem.Write(PipeWriter output)
    {
        bool goesOn = false;
        try
        {
            return Session.Requests.Write(this, output, out goesOn);
        }
        finally
        {
            if (!goesOn)
            {
                Release();
            }
        }
    }

    /// <inheritdoc/>
    void IOutputItem.Discard()
    {
        Session.Requests.OnDropped(this);
        Release();
    }

    private int TryWrite(object? request, PipeWriter output)
    {
        if (Interlocked.CompareExchange(ref _departure, Departed, Waiting) != Waiting)
        {
            return 0;
        }

        try
        {
            return Session.WriteRequest(this, request, output);
        }
        catch (RpcException exception)
        {
            // Over a limit, or it cannot be serialised. Nothing was written: the peer will never hear of the id.
            Volatile.Write(ref _departure, Dropped);
            FailHere(exception);
            Session.Forget(WireId);
            return 0;
        }
    }

    private void DropMessage()
    {
        if (Volatile.Read(ref _deferred) is not null)
        {
            lock (Body)
            {
                _deferred = null;
            }
        }
    }

    private void ResetRequest()
    {
        _departure = Waiting;
        _format = null!;
        _isSerialized = false;
        _ready = _deferred = null;
    }
}
