using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A frame without a message on its way out: CREDIT, PONG, GOAWAY, SETTINGS.</summary>
internal sealed class RpcControlItem(Func<PipeWriter, int> write) : IOutputItem
{
    /// <inheritdoc/>
    public IOutputItem? NextInLine { get; set; }

    /// <inheritdoc/>
    public int Write(PipeWriter output) => write(output);

    /// <inheritdoc/>
    public void Discard()
    {
        // It belongs to nobody.
    }
}
