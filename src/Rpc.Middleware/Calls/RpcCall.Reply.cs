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
        try
        {
            return Version2 is not null ? Version2.WriteReply(output, out isDone)
                : Plugged is not null ? Plugged.WriteReply(output)
                : RpcReplyWriter.Write(output, this, _owner);
        }
        finally
        {
            if (isDone)
            {
                End();
            }
        }
    }

    /// <inheritdoc/>
    void IOutputItem.Discard()
    {
        // A call with streams is queued while its handler runs, too.
        if (Version2?.Stream is not { } stream || stream.OnDiscarded())
        {
            End();
        }
    }

    private void End()
    {
        Version2?.End();
        _owner.Calls.Return(this);
    }
}
