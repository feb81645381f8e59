using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// The requests of a connection on their way out. A caller that finds the output idle writes its request straight into it; the
/// others serialise theirs and leave it to whoever writes, as long as not too many bytes wait. From then on a request waits as the
/// message that it is, and is written directly when its turn comes. Any thread.
/// </summary>
internal sealed class RequestQueue : IOutputOwner
{
    private readonly OutputQueue _output;
    private readonly RpcSession _session;
    private readonly int _maxCalls;
    private readonly long _maxBytes;
    private readonly Action<Exception?> _onFailed;
    private long _accepted;
    private long _skipped; // ended while they waited at the gate: they never reached the output
    private long _bytes; // of serialised requests that wait
    private long _written; // by the writer alone

    /// <param name="output">The output; nobody else writes it before <see cref="CloseAsync"/> has ended.</param>
    /// <param name="session">Turns requests into frames.</param>
    /// <param name="options">How many calls, and bytes of them, may wait, and how they leave.</param>
    /// <param name="onFailed">Called at most once, when the output fails; with null when its reader has gone.</param>
    public RequestQueue(PipeWriter output, RpcSession session, RpcConnectionOptions options, Action<Exception?> onFailed)
    {
        _output = new OutputQueue(output, this);
        _session = session;
        _maxCalls = options.MaxPendingCalls;
        _maxBytes = options.MaxQueuedBytes;
        _onFailed = onFailed;
    }

    /// <summary>Where requests wait that may not leave yet; null if there is no such thing. Set before the first call.</summary>
    public ICallGate? Gate { get; set; }

    /// <summary>How many requests wait to be written, or are written and not flushed yet.</summary>
    public long Count => Volatile.Read(ref _accepted) - Volatile.Read(ref _skipped) - _output.Finished;

    /// <summary>Bytes of the requests that wait serialised.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>How many requests went into the output.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Whether the output will not be touched again.</summary>
    public bool IsClosed => _output.IsClosed;

    /// <summary>Whether one more request may wait. Callers at the same moment may together go over by one each.</summary>
    public bool HasRoom => Count < _maxCalls;

    /// <summary>Sends the request of a call that is in the table already. A request that cannot be serialised fails its call.</summary>
    public void Send(PendingCall call, object request)
    {
        Interlocked.Increment(ref _accepted);
        bool passes = Gate?.TryPass(call) ?? true;
        if (passes && _output.TryEnter())
        {
            call.WriteSoon(request);
            _output.WriteInRole(call);
            _output.Exit();
            return;
        }

        if (Bytes < _maxBytes)
        {
            call.Serialize(request);
            Interlocked.Add(ref _bytes, call.Body.Length);
        }
        else
        {
            call.Defer(request);
        }

        if (passes)
        {
            _output.Enqueue(call);
        }
        else
        {
            Gate!.Wait(call);
        }
    }

    /// <summary>Lets a call that had to wait go on.</summary>
    public void Leave(PendingCall call) => _output.Send(call);

    /// <summary>Notes that a call ended before it could leave.</summary>
    public void Skip(PendingCall call)
    {
        OnDropped(call);
        Interlocked.Increment(ref _skipped);
        call.Release();
    }

    /// <summary>Queues what is no new call: frames of a call under way, or of the connection.</summary>
    public void Enqueue(IOutputItem item)
    {
        Interlocked.Increment(ref _accepted);
        _output.Enqueue(item);
    }

    /// <summary>Gives an item that has more to write another turn. In the writer's role, last thing before the item returns.</summary>
    public void WriteAgain(IOutputItem item) => _output.WriteAgain(item);

    /// <summary>Writes what a call has to write, as far as it may now. In the writer's role.</summary>
    /// <param name="call">The call.</param>
    /// <param name="output">The output.</param>
    /// <param name="goesOn">Whether the call has more, and is queued again or waits for credit.</param>
    /// <returns>Bytes written.</returns>
    public int Write(PendingCall call, PipeWriter output, out bool goesOn)
    {
        int written = 0;
        if (!call.HasDeparted)
        {
            // What is cut leaves the number of bytes that wait with its first frame: it is one message for each call.
            int waiting = call.Body.Length;
            written = call.WriteRequest(output);
            if (waiting > 0)
            {
                Interlocked.Add(ref _bytes, -waiting);
            }

            if (written > 0)
            {
                Volatile.Write(ref _written, _written + 1);
            }
        }

        return written + _session.WriteMore(call, output, out goesOn);
    }

    /// <summary>Notes that a call is not written because nothing can be sent any more.</summary>
    public void OnDropped(PendingCall call)
    {
        if (!call.HasDeparted)
        {
            Interlocked.Add(ref _bytes, -call.Body.Length);
        }
    }

    /// <summary>Ends when all that was sent before has been dealt with and the output will not be touched again.</summary>
    public Task CloseAsync() => _output.CloseAsync();

    /// <inheritdoc/>
    public void OnOutputBroken(Exception? exception) => _onFailed(exception);
}
