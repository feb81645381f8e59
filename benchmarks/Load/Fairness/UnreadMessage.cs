using Google.Protobuf;
using Google.Protobuf.Reflection;
using Hello;

namespace Kestrel.Rpc.Benchmarks.Load.Fairness;

/// <summary>A request that is not parsed: whatever the bytes are, it leaves them where they lie.</summary>
internal sealed class UnreadMessage : IMessage<UnreadMessage>, IBufferMessage
{
    /// <summary>Nobody asks; there has to be one.</summary>
    public MessageDescriptor Descriptor => HelloRequest.Descriptor;

    public int CalculateSize() => 0;

    public UnreadMessage Clone() => this;

    public bool Equals(UnreadMessage? other) => other is not null;

    public void MergeFrom(UnreadMessage message)
    {
        // There is nothing to merge.
    }

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException("It is read from buffers.");

    public void WriteTo(CodedOutputStream output) => throw new NotSupportedException("It is only received.");

    void IBufferMessage.InternalMergeFrom(ref ParseContext input)
    {
        // Nothing is read: to Google.Protobuf that looks like the end of the message.
    }

    void IBufferMessage.InternalWriteTo(ref WriteContext output) => throw new NotSupportedException("It is only received.");

    public override bool Equals(object? obj) => obj is UnreadMessage;

    public override int GetHashCode() => 0;
}
