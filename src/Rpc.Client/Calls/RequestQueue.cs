using System.IO.Pipelines;
using Google.Protobuf;
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
    private readonly OneAtATimeGate? _gate;
    private readonly RpcFrameLimits _limits;
    private readonly int _maxCalls;
    private readonly long _maxBytes;
    private readonly Action<Exception?> _onFailed;
    private long _accepted;
    private long _skipped; // ended while they waited at the gate: they never reached the output
    private long _bytes; // of serialised requests that wait
    private long _written; // by the writer alone

    /// <param name="output">The output; nobody else writes it before <see cref="CloseAsync"/> has ended.</param>
    /// <param name="options">How many calls, and bytes of them, may wait, and how they leave.</param>
    /// <param name="onFailed">Called at most once, when the output fails; with null when its reader has gone.</param>
    public RequestQueue(PipeWriter output, RpcConnectionOptions options, Action<Exception?> onFailed)
    {
        _output = new OutputQueue(output, this);
        _gate = options.OneRequestAtATime ? new OneAtATimeGate(this) : null;
        _limits = options.Limits;
        _maxCalls = options.MaxPendingCalls;
        _maxBytes = options.MaxQueuedBytes;
        _onFailed = onFailed;
    }

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
    public void Send(PendingCall call, IMessage request)
    {
        Interlocked.Increment(ref _accepted);
        if (_gate is null && _output.TryEnter())
        {
            call.WriteSoon(request);
            _output.WriteInRole(call);
            _output.Exit();
            return;
        }

        if (Bytes < _maxBytes)
        {
            call.Serialize(request, _limits);
            Interlocked.Add(ref _bytes, call.Frame.Length);
        }
        else
        {
            call.Defer(request);
        }

        if (_gate is null)
        {
            _output.Enqueue(call);
        }
        else
        {
            _gate.Enter(call);
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

    /// <summary>Writes the request of a call. In the writer's role.</summary>
    public int Write(PendingCall call, PipeWriter output)
    {
        int waiting = call.Frame.Length;
        int written = call.WriteRequest(output, _limits);
        if (waiting > 0)
        {
            Interlocked.Add(ref _bytes, -waiting);
        }

        if (written > 0)
        {
            Volatile.Write(ref _written, _written + 1);
        }

        return written;
    }

    /// <summary>Notes that a call is not written because nothing can be sent any more.</summary>
    public void OnDropped(PendingCall call) => Interlocked.Add(ref _bytes, -call.Frame.Length);

    /// <summary>Notes that a call has ended.</summary>
    public void OnEnded(PendingCall call) => _gate?.Leave(call);

    /// <summary>Ends when all that was sent before has been dealt with and the output will not be touched again.</summary>
    public Task CloseAsync() => _output.CloseAsync();

    /// <inheritdoc/>
    public void OnOutputBroken(Exception? exception) => _onFailed(exception);
}
