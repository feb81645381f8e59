using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>One entry of a <see cref="ProtocolTable"/>: how a protocol is told, and who serves a connection of it. Any thread.</summary>
internal abstract class PortProtocol
{
    /// <summary>Looks at the first bytes, at least one, and consumes none.</summary>
    public abstract RpcProtocolMatch Detect(in ReadOnlySequence<byte> start);

    /// <summary>Serves a connection to its end.</summary>
    public abstract Task ServeAsync(ConnectionContext connection);

    /// <summary>What bytes say about a protocol that begins with these.</summary>
    protected static RpcProtocolMatch Match(in ReadOnlySequence<byte> start, ReadOnlySpan<byte> wanted)
    {
        Span<byte> found = stackalloc byte[(int)Math.Min(start.Length, wanted.Length)];
        start.Slice(0, found.Length).CopyTo(found);
        if (!wanted.StartsWith(found))
        {
            return RpcProtocolMatch.No;
        }

        return found.Length == wanted.Length ? RpcProtocolMatch.Yes : RpcProtocolMatch.NeedMore;
    }
}
