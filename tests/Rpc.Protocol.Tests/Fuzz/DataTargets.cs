using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>The protocol data of version 1.</summary>
internal sealed class ProtocolDataTarget : FuzzTarget
{
    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        Golden.ProtocolData,
        .. new[]
        {
            """{"service_name":"S","method_name":"M","error_code":"SERVER","error_message":"\u00e4\ud83d\ude00 no"}""",
            """ { "other" : [ 1 , 2.5e3 , { "a" : null } , true ] , "method_name" : "M" , "service_name" : "S" } """,
            """{"service_name":"S","service_name":"S"}""",
            """{"service_name":1,"method_name":{}}""",
        }.Select(text => System.Text.Encoding.UTF8.GetBytes(text)),
    ];

    // Strings of what is there, and an exception with its stack where the JSON reader throws one.
    public override long Budget(long inputLength) => (64 * 1024) + (16 * inputLength);

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        bool accepted = RpcProtocolData.TryReadRequest(input, out RpcProtocolData data, out RpcProtocolDataError error);
        Require(accepted == (error == RpcProtocolDataError.None), "An error and a refusal go together.");
        Require(!accepted || (data.ServiceName is not null && data.MethodName is not null), "A request without a name was accepted.");
    }
}

/// <summary>Metadata of version 2: the input is the fields of a HEADERS frame.</summary>
/// <param name="limits">What the reader is told.</param>
/// <param name="judged">What the result is judged by: the same, unless a test wants to see the difference found.</param>
internal sealed class MetadataTarget(RpcMetadataLimits limits, RpcMetadataLimits? judged = null) : FuzzTarget
{
    private readonly RpcMetadataLimits _judged = judged ?? limits;

    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        .. new RpcMetadata[]
        {
            new() { { "trace-id", "abc12" }, { "key-bin", [0xff] } },
            new() { { "a", "\u20ac" }, { "a", "" }, { "b-bin", [] } },
            [.. Enumerable.Range(0, 6).Select(i => new RpcMetadataEntry($"key-{i}", "value"))],
            [new RpcMetadataEntry("long", new string('x', 150))],
        }.Select(metadata => Frames.WriteCall(RpcFrameType.Headers, 1, default, new() { Metadata = metadata })[(RpcFrameHeader.Size + 1)..]),
    ];

    public override long Budget(long inputLength) => (16 * 1024) + (64 * inputLength);

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        byte[] header = new byte[input.Length + 1];
        input.CopyTo(header.AsSpan(1));
        RpcFrameHeader frame = new(2, RpcFrameType.Headers, 1, (uint)header.Length, 0);
        if (RpcReceivedHeader.Read(frame, header, out RpcReceivedHeader read) != RpcHeaderError.None)
        {
            return;
        }

        RpcMetadataError error = read.ReadMetadata(limits, out RpcMetadata metadata);
        Require(error == RpcMetadataError.None || metadata.Count == 0, "Refused metadata is not empty.");
        Require(metadata.Count <= _judged.MaxEntries, "Too many entries.");
        Require(metadata.Length <= _judged.MaxLength, "Too many bytes.");
        foreach (RpcMetadataEntry entry in metadata)
        {
            Require(entry.Key.Length is > 0 and <= RpcMetadataEntry.MaxKeyLength && !entry.Key.Any(char.IsAsciiLetterUpper), "A key that is none.");
            Require(entry.IsBinary || !entry.Value.Contains('\uFFFD', StringComparison.Ordinal) || entry.ValueBytes.Span.IndexOf("\uFFFD"u8) >= 0, "A text that is none.");
        }
    }
}
