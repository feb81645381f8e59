using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

public sealed partial class RpcConnection
{
    private long _repliesReceived; // written by the read loop alone

    private async Task ReadAsync()
    {
        PipeReader input = _transport.Input;
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync().ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = result.Buffer;
                if (!TryReadReplies(ref buffer, out RpcFrameError error))
                {
                    Fail(RpcErrorCode.Decoding, $"The peer sent what is no reply: {error.Describe()}", null, abort: true);
                    break;
                }

                bool midFrame = !buffer.IsEmpty;
                input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted)
                {
                    OnPeerClosed(midFrame);
                    break;
                }

                if (result.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (Exception exception)
        {
            // Whatever a transport throws while it reads means that no reply will come any more.
            Fail(RpcErrorCode.Network, $"Receiving failed: {exception.Message}", exception, abort: true);
        }
        finally
        {
            _reading.TrySetResult();
        }
    }

    private void OnPeerClosed(bool midFrame)
    {
        if (midFrame)
        {
            Fail(RpcErrorCode.Network, "The peer closed the connection in the middle of a reply.", null, abort: false);
        }
        else
        {
            Fail(RpcErrorCode.Connection, "The peer closed the connection.", null, abort: false);
        }
    }

    /// <summary>Hands every whole reply to its call.</summary>
    private bool TryReadReplies(ref ReadOnlySequence<byte> buffer, out RpcFrameError error)
    {
        while (true)
        {
            switch (RpcFrameReader.TryRead(ref buffer, _limits, out RpcFrame frame, out error))
            {
                case RpcFrameReadStatus.Frame:
                    OnReply(frame);
                    break;
                case RpcFrameReadStatus.NeedMore:
                    return true;
                default:
                    return false;
            }
        }
    }

    // The type is not looked at: the original server sends its replies as requests.
    private void OnReply(in RpcFrame frame)
    {
        if (frame.Header.SequenceId != 0)
        {
            // Before the call ends: whoever closes right after its reply must find it counted. 0 answers no call.
            Volatile.Write(ref _repliesReceived, _repliesReceived + 1);
        }

        if (_pending.TryRemove(frame.Header.SequenceId, out PendingCall? call))
        {
            call.Complete(frame);
        }
        else
        {
            Log.UnmatchedReply(_logger, _id, frame.Header.SequenceId);
        }
    }
}
