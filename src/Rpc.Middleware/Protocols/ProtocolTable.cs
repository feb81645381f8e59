using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The protocols of an end point in the order in which they are asked. The first that does not say no decides: it has the connection, or the
/// others wait with it for more bytes. Immutable.
/// </summary>
internal sealed class ProtocolTable(params PortProtocol[] protocols)
{
    /// <summary>Bytes after which nobody may want more: what is not told by then is none of those that wait.</summary>
    public const int MostBytes = 64;

    /// <summary>Finds the protocol of a connection.</summary>
    /// <param name="start">Its first bytes.</param>
    /// <param name="isAll">Whether no more will come.</param>
    /// <param name="protocol">The protocol; null if more bytes are needed, or if it is none of the table.</param>
    /// <returns>Whether it is settled.</returns>
    public bool TryFind(in ReadOnlySequence<byte> start, bool isAll, out PortProtocol? protocol)
    {
        protocol = null;
        if (start.IsEmpty)
        {
            return isAll;
        }

        foreach (PortProtocol candidate in protocols)
        {
            RpcProtocolMatch match = candidate.Detect(start);
            if (match == RpcProtocolMatch.Yes)
            {
                protocol = candidate;
                return true;
            }

            if (match == RpcProtocolMatch.NeedMore && !isAll && start.Length < MostBytes)
            {
                return false;
            }
        }

        return true;
    }
}
