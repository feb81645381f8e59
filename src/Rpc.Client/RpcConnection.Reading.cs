using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

public sealed partial class RpcConnection
{
    private async Task ReadAsync()
    {
        PipeReader input = _transport.Input;
        try
        {
            while (true)
            {
                ReadResult result = await input.ReadAsync().ConfigureAwait(false);
                ReadOnlySequence<byte> buffer = result.Buffer;
                if (!_session.TryRead(ref buffer))
                {
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
            Fail(RpcErrorCode.Network, $"Receiving failed: {exception.Message}", exception, CloseManner.Reset);
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
            Fail(RpcErrorCode.Network, "The peer closed the connection in the middle of a reply.", null, CloseManner.WhenIdle);
        }
        else
        {
            Fail(RpcErrorCode.Connection, "The peer closed the connection.", null, CloseManner.WhenIdle);
        }
    }
}
