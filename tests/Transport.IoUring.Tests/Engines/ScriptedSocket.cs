using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A socket that never receives and never sends, and may fail to start.</summary>
internal sealed class ScriptedSocket(int descriptor, Func<int> start) : LoopSocket(descriptor)
{
    private readonly LoopOperation _receive = new();
    private readonly LoopOperation _send = new();
    private bool _receiving;
    private bool _canceled;

    public override int StartOnLoop(ConnectionInput input) => start();

    public override LoopOperation ReceiveAsync()
    {
        _receiving = true;
        if (_canceled)
        {
            Cancel();
        }

        return _receive;
    }

    public override void PauseReceiving()
    {
    }

    public override void ResumeReceiving()
    {
    }

    public override void StopReceiving()
    {
    }

    public override bool IsSending => false;

    public override LoopOperation SendAsync(in ReadOnlySequence<byte> buffer)
    {
        _send.Complete(-Errno.EPIPE);
        return _send;
    }

    public override void Cancel()
    {
        _canceled = true;
        if (_receiving)
        {
            _receiving = false;
            _receive.Complete(-Errno.ECANCELED);
        }
    }

    public override LoopOperation CloseAsync()
    {
        _ = Libc.Close(Descriptor);
        var closed = new LoopOperation();
        closed.Complete(0);
        return closed;
    }
}
