using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Middleware;

/// <content>The read loop. Its fields belong to it alone.</content>
internal sealed partial class RpcServerConnection
{
    private readonly RpcDispatchTable _dispatch;
    private readonly RpcFrameLimits _limits;
    private readonly int _maxConcurrentCalls;
    private RpcSpelling? _lastCalled;
    private long _started;
    private long _examined;
    private long _discardable;
    private bool _isInputOver; // its end was seen, or it was asked for after reading had ended
    private Batch _batch;

    private enum Progress
    {
        Started,
        NeedMore,
        Paused,
        Refused,
    }

    private enum Batch
    {
        None,
        Ours,
        Another,
        Blocked,
    }

    private bool IsAtCapacity => _started - Replies.Finished >= _maxConcurrentCalls;

    private async Task ReadAsync()
    {
        while (await WaitForCapacityAsync())
        {
            ReadResult result = await _input.ReadAsync();
            ReadOnlySequence<byte> buffer = result.Buffer;
            _isInputOver = result.IsCompleted;
            if (IsAborted)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                return;
            }

            switch (StartCalls(ref buffer))
            {
                case Progress.NeedMore:
                    if (result.IsCompleted && !buffer.IsEmpty)
                    {
                        Log.TruncatedFrame(Logger, Connection.ConnectionId, buffer.Length);
                    }

                    _examined = buffer.Length;
                    _input.AdvanceTo(buffer.Start, buffer.End);
                    if (result.IsCompleted)
                    {
                        return;
                    }

                    break;
                case Progress.Paused:
                    // There may be whole frames left, so the next read must not wait for more bytes.
                    _examined = 0;
                    _input.AdvanceTo(buffer.Start);
                    break;
                case Progress.Refused:
                    // Nobody wants the rest.
                    _input.AdvanceTo(buffer.End);
                    return;
            }

            if (result.IsCanceled)
            {
                return;
            }
        }
    }

    // False if reading is over. Reading stops while the transport takes no output, and while too many calls are in flight.
    private async ValueTask<bool> WaitForCapacityAsync()
    {
        bool isProbed = false;
        while (!IsAborted)
        {
            if (!Replies.IsFlushing && !IsAtCapacity)
            {
                return true;
            }

            if (_isStopping)
            {
                return false;
            }

            if (_isTransportClosed && !isProbed)
            {
                isProbed = true;
                ProbeInput();
            }

            await Replies.WaitAsync(_started - _maxConcurrentCalls + 1);
        }

        return false;
    }

    // The transport is closed while this loop does not read. If all is over, calls that wait for that must be told, or their
    // places would never get free; if the peer has only ended its sending, it still gets its replies. TryRead throws in the
    // first case. A TLS stream does not tell without a real read, and half-closed TLS connections are rare.
    private void ProbeInput()
    {
        if (Connection.Features.Get<ITlsHandshakeFeature>() is not null)
        {
            throw new IOException("The connection was closed under TLS.");
        }

        if (_input.TryRead(out ReadResult result))
        {
            SequencePosition examined = result.Buffer.GetPosition(Math.Min(_examined, result.Buffer.Length));
            _input.AdvanceTo(result.Buffer.Start, examined);
        }
    }

    private Progress StartCalls(ref ReadOnlySequence<byte> buffer)
    {
        Progress progress;
        do
        {
            progress = IsAtCapacity || _batch == Batch.Blocked ? Progress.Paused : StartNext(ref buffer);
        }
        while (progress == Progress.Started);

        if (_batch == Batch.Ours)
        {
            Replies.Exit();
        }

        _batch = Batch.None;
        return progress;
    }

    private Progress StartNext(ref ReadOnlySequence<byte> buffer)
    {
        switch (RpcFrameReader.TryRead(ref buffer, _limits, out RpcFrame frame, out RpcFrameError error))
        {
            case RpcFrameReadStatus.NeedMore:
                return Progress.NeedMore;

            case RpcFrameReadStatus.Error:
                Refuse(error.HasHeader ? error.Header : null, error.Describe());
                _discardable = error.HasHeader ? Math.Clamp(error.Header.FrameLength - buffer.Length, 0, MaxDiscarded) : 0;
                return Progress.Refused;

            case RpcFrameReadStatus.Frame when frame.Header.Type != RpcFrameType.Request:
                Refuse(frame.Header, "A client must send requests only.");
                return Progress.Refused;

            default:
                StartCall(frame);
                return Progress.Started;
        }
    }

    private void StartCall(in RpcFrame frame)
    {
        _started++;
        RpcCall call = Calls.Rent();
        call.Start(frame.Header.SequenceId);
        if (FindRoute(frame.ProtocolData, out RpcFault fault) is not { } route)
        {
            Log.CallNotDispatched(Logger, Connection.ConnectionId, fault.Message);
            call.Fault = fault;
            Reply(call);
        }
        else if (!call.TryPrepare(route, frame))
        {
            Reply(call);
        }
        else if (route.Endpoint.Scheduling == RpcScheduling.ThreadPool)
        {
            ThreadPool.UnsafeQueueUserWorkItem(call, preferLocal: false);
        }
        else
        {
            RunInline(call);
        }
    }

    private RpcRoute? FindRoute(in ReadOnlySequence<byte> protocolData, out RpcFault fault)
    {
        if (_lastCalled is { } last && protocolData.IsSingleSegment && protocolData.FirstSpan.SequenceEqual(last.Bytes))
        {
            fault = default;
            return last.Route;
        }

        RpcSpelling? found = _dispatch.Find(protocolData, out fault);
        _lastCalled = found ?? _lastCalled;
        return found?.Route;
    }

    private void RunInline(RpcCall call)
    {
        ExecutionContext? context = ExecutionContext.Capture();
        if (call.TryRun())
        {
            Reply(call);
        }

        // A handler that is not async can leave its AsyncLocals behind; the next call must not see them.
        if (context is not null && ExecutionContext.Capture() != context)
        {
            ExecutionContext.Restore(context);
        }
    }

    // Replies made on this loop leave together when all of a read is done.
    private void Reply(RpcCall call)
    {
        if (_batch == Batch.None)
        {
            _batch = Replies.TryEnter() ? Batch.Ours : Batch.Another;
        }

        if (_batch == Batch.Ours)
        {
            Replies.WriteInRole(call);
            if (Replies.IsFull)
            {
                // No more calls while the transport does not take what they answer.
                Replies.Exit();
                _batch = Replies.IsFlushing ? Batch.Blocked : Batch.None;
            }
        }
        else
        {
            Replies.Send(call);
        }
    }

    // What follows cannot be read as frames: the peer is told, if there is a call to tell it about, and the connection ends.
    private void Refuse(RpcFrameHeader? header, string reason)
    {
        Log.BadFrame(Logger, Connection.ConnectionId, reason);
        if (header is { } refused)
        {
            _started++;
            RpcCall call = Calls.Rent();
            call.Start(refused.SequenceId);
            call.Fault = new RpcFault("", "", RpcErrorCode.Decoding, reason);
            Reply(call);
        }
    }
}
