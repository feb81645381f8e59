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
        try
        {
            return RpcReplyWriter.Write(output, this, _owner);
        }
        finally
        {
            _owner.Calls.Return(this);
        }
    }

    /// <inheritdoc/>
    void IOutputItem.Discard() => _owner.Calls.Return(this);
}
