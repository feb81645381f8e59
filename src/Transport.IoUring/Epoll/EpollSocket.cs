using System.Buffers;
using System.Diagnostics;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// A socket registered once, edge-triggered, for both directions. Every receive and send is tried first; only EAGAIN makes it
/// wait for the next edge.
/// </summary>
internal sealed unsafe partial class EpollSocket : LoopSocket, IEpollWatcher
{
    // One turn of the loop: at most this many receives of one socket, then the others.
    private const int MaxReceivesPerTurn = 16;

    // The same for sends: with a peer that reads as fast as an inline application writes, one send would follow another for ever.
    private const int MaxSendsPerTurn = 16;

    // A receive smaller than this is not worth a system call: a new block is taken instead of the rest of the last one.
    private const int MinReceiveSize = 2048;

    private readonly ReadinessLoop _loop;
    private readonly LoopOperation _receive = new();
    private readonly LoopOperation _send = new();

    private ConnectionInput _input = null!; // set by StartOnLoop
    private ReadOnlySequence<byte> _unsent;
    private ulong _token;
    private long _turn; // the loop iteration that _receivesInTurn counts in
    private int _receivesInTurn;
    private int _sendsInTurn;
    private bool _registered;
    private bool _readable; // registering reports what is there already, so no block is taken for nothing
    private bool _writable = true;
    private bool _neverShort; // a short receive no longer means that the socket is drained: the peer has closed, or sends urgent data
    private bool _receivePending;
    private bool _sendPending;
    private bool _canceled;

    public EpollSocket(ReadinessLoop loop, int descriptor)
        : base(descriptor) => _loop = loop;

    public uint Interest =>
        (_receivePending && !_readable ? Libc.EPOLLIN | Libc.EPOLLRDHUP : 0) | (_sendPending && !_writable ? Libc.EPOLLOUT : 0);

    public override int StartOnLoop(ConnectionInput input)
    {
        _input = input;
        int result = _loop.Watch(
            Descriptor, Libc.EPOLLIN | Libc.EPOLLOUT | Libc.EPOLLPRI | Libc.EPOLLRDHUP | Libc.EPOLLET, this, out _token);
        _registered = result >= 0;
        return result;
    }

    public override LoopOperation ReceiveAsync()
    {
        Debug.Assert(!_receivePending, "One receive at a time.");
        _receivePending = true;
        if (_canceled)
        {
            CompleteReceive(-Errno.ECANCELED);
        }
        else if (_readable)
        {
            BeginTurn();
            if (++_receivesInTurn <= MaxReceivesPerTurn)
            {
                TryReceive();
            }
            else
            {
                _loop.Schedule(static socket => ((EpollSocket)socket!).TryReceive(), this);
            }
        }

        return _receive;
    }

    // Bytes that are not asked for stay in the kernel: there is nothing to stop or to start.
    public override void PauseReceiving()
    {
    }

    public override void ResumeReceiving()
    {
    }

    public override void StopReceiving()
    {
    }

    public override bool IsSending => _sendPending;

    public override LoopOperation SendAsync(in ReadOnlySequence<byte> buffer)
    {
        Debug.Assert(!_sendPending, "One send at a time.");
        _sendPending = true;
        _unsent = buffer;
        if (_canceled)
        {
            CompleteSend(-Errno.ECANCELED);
        }
        else if (_writable)
        {
            BeginTurn();
            if (++_sendsInTurn <= MaxSendsPerTurn)
            {
                TrySend();
            }
            else
            {
                _loop.Schedule(static socket => ((EpollSocket)socket!).TrySend(), this);
            }
        }

        return _send;
    }

    public override void Cancel()
    {
        _canceled = true;
        if (_receivePending)
        {
            CompleteReceive(-Errno.ECANCELED);
        }

        if (_sendPending)
        {
            CompleteSend(-Errno.ECANCELED);
        }
    }

    public override LoopOperation CloseAsync()
    {
        if (_registered)
        {
            _loop.Unwatch(Descriptor, _token);
        }

        _ = Libc.Close(Descriptor);
        var closed = new LoopOperation();
        closed.Complete(0);
        return closed;
    }

    public void OnReady(uint events)
    {
        // An error or a hang-up is found by whichever of the two calls comes next.
        const uint Failed = Libc.EPOLLERR | Libc.EPOLLHUP;
        _neverShort |= (events & (Libc.EPOLLPRI | Libc.EPOLLRDHUP | Failed)) != 0;

        if ((events & (Libc.EPOLLIN | Libc.EPOLLPRI | Libc.EPOLLRDHUP | Failed)) != 0)
        {
            _readable = true;
            if (_receivePending)
            {
                TryReceive();
            }
        }

        if ((events & (Libc.EPOLLOUT | Failed)) != 0)
        {
            _writable = true;
            if (_sendPending)
            {
                // Behind the dispatch: every socket of this wait takes its input before any gets rid of its output.
                _loop.Schedule(static socket => ((EpollSocket)socket!).TrySend(), this);
            }
        }
    }

    private void BeginTurn()
    {
        if (_turn != _loop.Iteration)
        {
            _turn = _loop.Iteration;
            _receivesInTurn = _sendsInTurn = 0;
        }
    }

    private void TryReceive()
    {
        if (!_receivePending)
        {
            return; // canceled, or served by an event, before the postponed turn came
        }

        int result = _bulk.IsBulk ? ReceiveBulk() : ReceiveOne();
        if (result == -Errno.EAGAIN)
        {
            _readable = false;
        }
        else
        {
            CompleteReceive(result);
        }
    }

    /// <summary>Receives into the input's memory. Bytes, or a negated error number.</summary>
    private int ReceiveOne()
    {
        if (!TryGetMemory(out Memory<byte> memory))
        {
            return -Errno.ENOMEM;
        }

        int result;
        fixed (byte* buffer = memory.Span)
        {
            do
            {
                result = Libc.Recv(Descriptor, buffer, (nuint)memory.Length, Libc.MSG_DONTWAIT);
            }
            while (result == -Errno.EINTR);
        }

        if (result > 0)
        {
            _input.Advance(result);
            bool isFull = result == memory.Length;
            _bulk.OnBuffer(isFull);
            _readable = isFull || _neverShort; // a short receive has drained the socket
        }

        return result;
    }

    private void TrySend()
    {
        if (!_sendPending)
        {
            return; // canceled, or served by an event, before the postponed turn came
        }

        while (!_unsent.IsEmpty)
        {
            int result = _unsent.IsSingleSegment ? SendOne(_unsent.First) : SendMany(_unsent);
            if (result > 0)
            {
                _unsent = _unsent.Slice(result);
            }
            else if (result == -Errno.EAGAIN)
            {
                _writable = false;
                return;
            }
            else if (result != -Errno.EINTR)
            {
                CompleteSend(result);
                return;
            }
        }

        CompleteSend(0);
    }

    private bool TryGetMemory(out Memory<byte> memory)
    {
        try
        {
            memory = _input.GetMemory(MinReceiveSize);
            return true;
        }
        catch (Exception e)
        {
            MemoryFault = e; // the pool is the user's; the connection ends with what it threw
            memory = default;
            return false;
        }
    }

    private int SendOne(ReadOnlyMemory<byte> memory)
    {
        fixed (byte* buffer = memory.Span)
        {
            return Libc.Send(Descriptor, buffer, (nuint)memory.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
        }
    }

    private int SendMany(in ReadOnlySequence<byte> buffer)
    {
        SendMessage message = _loop.SendMessage;
        try
        {
            message.Fill(buffer);
        }
        catch (Exception e)
        {
            MemoryFault = e; // as in TryGetMemory
            return -Errno.ENOMEM;
        }

        int result = Libc.SendMsg(Descriptor, message.Header, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
        message.Release();
        return result;
    }

    private void CompleteReceive(int result)
    {
        _receivePending = false;
        _receive.Complete(result);
    }

    private void CompleteSend(int result)
    {
        _sendPending = false;
        _unsent = default;
        _send.Complete(result);
    }
}
