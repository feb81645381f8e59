using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>The request on its way out.</remarks>
internal abstract partial class PendingCall : IOutputItem
{
    private uint _wireId;
    private IMessage? _ready; // of the thread that has the writer's role and writes it at once
    private IMessage? _deferred; // under the lock of Frame: the writer serialises it, or the end of the call takes it away

    /// <summary>The request, serialised; empty if it waits as a message. Owned by the caller until the call is queued, then by the writer.</summary>
    public FrameBuffer Frame { get; } = new();

    /// <inheritdoc/>
    IOutputItem? IOutputItem.NextInLine { get; set; }

    /// <summary>Sets the id that the request carries: the one in the table, which forgets it when the call ends.</summary>
    public void Identify(uint sequenceId) => _wireId = sequenceId;

    /// <summary>Serialises the request now. If that fails, so does the call.</summary>
    public void Serialize(IMessage request, RpcFrameLimits limits) => TrySerialize(request, Frame, limits);

    /// <summary>Has the request serialised straight into the output, on this thread and right now.</summary>
    public void WriteSoon(IMessage request) => _ready = request;

    /// <summary>Has the request serialised when its turn to be written comes.</summary>
    public void Defer(IMessage request)
    {
        lock (Frame)
        {
            _deferred = request;
            Interlocked.MemoryBarrier(); // pairs with the one in Finish
            if (_completed)
            {
                _deferred = null; // the end of the call may have looked before it was there
            }
        }
    }

    /// <summary>Writes the request, unless the call has ended. In the writer's role.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteRequest(PipeWriter output, RpcFrameLimits limits)
    {
        if (_ready is { } ready)
        {
            _ready = null;
            return IsCompleted ? 0 : TrySerialize(ready, output, limits);
        }

        if (Frame.Length > 0)
        {
            if (!IsCompleted)
            {
                output.Write(Frame.Written);
                return Frame.Length;
            }

            return 0;
        }

        lock (Frame)
        {
            // Under the lock: when the call has ended its caller may change the message.
            IMessage? deferred = _deferred;
            _deferred = null;
            return deferred is null ? 0 : TrySerialize(deferred, output, limits);
        }
    }

    /// <inheritdoc/>
    int IOutputItem.Write(PipeWriter output)
    {
        try
        {
            return _requests.Write(this, output);
        }
        finally
        {
            Release();
        }
    }

    /// <inheritdoc/>
    void IOutputItem.Discard()
    {
        _requests.OnDropped(this);
        Release();
    }

    private int TrySerialize(IMessage request, IBufferWriter<byte> output, RpcFrameLimits limits)
    {
        try
        {
            return RpcFrameWriter.WriteMessage(output, RpcFrameType.Request, _wireId, Method.ProtocolData.Span, request, limits);
        }
        catch (RpcException exception)
        {
            // Over a limit, or it cannot be serialised. Nothing was written.
            if (_table.Remove(this))
            {
                Fail(exception);
            }

            return 0;
        }
    }

    private void DropMessage()
    {
        if (Volatile.Read(ref _deferred) is not null)
        {
            lock (Frame)
            {
                _deferred = null;
            }
        }
    }
}
