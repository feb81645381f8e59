using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>A message that writes more or fewer bytes than it says, as one does that is changed while it is sent.</summary>
internal sealed class LyingMessage(int claimed, int written) : IMessage, IBufferMessage
{
    public MessageDescriptor Descriptor => Empty.Descriptor;

    public int CalculateSize() => claimed;

    public void InternalWriteTo(ref WriteContext output)
    {
        for (int i = 0; i < written; i++)
        {
            output.WriteRawTag(0);
        }
    }

    public void WriteTo(CodedOutputStream output) => output.WriteRawMessage(this);

    public void MergeFrom(CodedInputStream input) => throw new NotSupportedException();

    public void InternalMergeFrom(ref ParseContext input) => throw new NotSupportedException();
}
