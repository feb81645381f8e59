using System.Buffers;
using System.Buffers.Binary;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>Four bytes.</summary>
internal sealed class TicketCodec : IRpcCodec<Ticket>
{
    public int GetSize(Ticket message) => sizeof(int);

    public void Serialize(Ticket message, Span<byte> destination) => BinaryPrimitives.WriteInt32BigEndian(destination, message.Number);

    public Ticket Deserialize(in ReadOnlySequence<byte> source) => new(BinaryPrimitives.ReadInt32BigEndian(source.ToArray()));
}
