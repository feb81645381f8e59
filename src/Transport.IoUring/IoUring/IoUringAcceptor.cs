using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>Accepts with one multishot request that goes on until it fails or is cancelled.</summary>
internal sealed class IoUringAcceptor : LoopAcceptor, IIoUringOwner
{
    private readonly IoUringLoop _loop;
    private readonly int _descriptor;
    private readonly IAcceptTarget _target;
    private readonly LoopOperation _stop = new();
    private ulong _number;
    private bool _registered;
    private bool _armed; // the kernel has the request
    private bool _canceling; // and has been asked to end it
    private bool _checking; // whether the kernel still has it, after completions were lost
    private bool _paused;
    private bool _stopping;

    public IoUringAcceptor(IoUringLoop loop, int descriptor, IAcceptTarget target)
    {
        _loop = loop;
        _descriptor = descriptor;
        _target = target;

        // On a non-blocking socket the kernel reports EAGAIN instead of waiting.
        _ = Libc.SetFlags(descriptor, Libc.GetFlags(descriptor) & ~Libc.O_NONBLOCK);
    }

    public override int Resume()
    {
        _paused = false;
        if (!_registered)
        {
            _registered = true;
            _number = _loop.AddOwner(this);
        }

        if (!_armed && !_stopping)
        {
            Arm();
        }

        return 0;
    }

    public override void Pause()
    {
        _paused = true;
        CancelIfArmed();
    }

    public override LoopOperation StopAsync()
    {
        _stopping = true;
        CancelIfArmed();
        FinishStop();
        return _stop;
    }

    public void OnCompletion(CompletionKind kind, in IoUringCqe completion)
    {
        if ((completion.Flags & IORING_CQE_F_MORE) == 0)
        {
            _armed = false;
            _canceling = false;
            _checking = false; // it had
        }

        try
        {
            Report(completion.Result);
        }
        finally
        {
            // Whatever became of this connection, others come.
            if (_stopping)
            {
                FinishStop();
            }
            else if (!_armed && !_paused)
            {
                Arm();
            }
        }
    }

    public void CheckRequests()
    {
        if (_armed)
        {
            _checking = true;
            _loop.SubmitCheck(CompletionKind.Accept, _number);
        }
    }

    public void OnGone(CompletionKind kind)
    {
        if (_checking)
        {
            OnCompletion(kind, new IoUringCqe { Result = -Errno.ECANCELED });
        }
    }

    private void Report(int result)
    {
        if (result >= 0)
        {
            _target.OnAccepted(result); // also while stopping: the kernel has accepted it, and its peer knows
        }
        else if (result != -Errno.ECANCELED)
        {
            bool again = SocketErrors.IsFaultOfOneConnection(-result);
            _paused |= !again;
            _target.OnAcceptError(-result, paused: !again);
        }
    }

    private void Arm()
    {
        var request = new IoUringSqe
        {
            Opcode = IORING_OP_ACCEPT,
            IoPrio = IORING_ACCEPT_MULTISHOT,
            Fd = _descriptor,
            OpFlags = Libc.SOCK_CLOEXEC,
        };
        _loop.Submit(ref request, CompletionKind.Accept, _number);
        _armed = true;
    }

    private void CancelIfArmed()
    {
        if (_armed && !_canceling)
        {
            _canceling = true;
            _loop.SubmitCancel(CompletionKind.Accept, _number);
        }
    }

    private void FinishStop()
    {
        if (_armed)
        {
            return; // comes back with the last completion
        }

        if (_registered)
        {
            _registered = false;
            _loop.RemoveOwner(_number);
        }

        _stop.Complete(0);
    }
}
