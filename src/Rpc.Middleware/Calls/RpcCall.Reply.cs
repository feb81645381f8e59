using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>The reply on its way out; with it the call ends.</remarks>
internal sealed partial class RpcCall : IOutputItem
{
    /// <inheritdoc/>
    IOutputItem? IOutputItem.NextInLine { get; set; }

    /// <inheritdoc/>
    int IOutputItem.Write(PipeWriter output)
    {
        bool isDone = true;
        bool isWritten = false;
        try
        {
            int written = Version2 is not null ? Version2.WriteReply(output, out isDone)
                : Plugged is not null ? Plugged.WriteReply(output)
                : RpcReplyWriter.Write(output, this, _owner);
            isWritten = true;
            return written;
        }
        finally
        {
            if (isDone)
            {
                End(isWritten);
            }
        }
    }

    /// <inheritdoc/>
    void IOutputItem.Discard()
    {
        // A call with streams is queued while its handler runs, too.
        if (Version2?.Stream is not { } stream || stream.OnDiscarded())
        {
            End(isWritten: false);
        }
    }

    private void End(bool isWritten)
    {
        if (_isObserved)
        {
            ObserveEnd(isWritten);
        }

        Version2?.End();
        _owner.Calls.Return(this);
    }
}
