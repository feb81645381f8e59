using System.Text;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>What docs/wire-protocol.md says of version 2 is what the code does.</summary>
public class Version2DocumentTests
{
    private static readonly byte[] Message = Golden.RequestBody;

    /// <summary>Each vector of the document as the code writes it.</summary>
    internal static readonly IReadOnlyDictionary<string, Func<byte[]>> Written = new Dictionary<string, Func<byte[]>>
    {
        ["v2-request"] = () => Frames.WriteCall(
            RpcFrameType.Request, 1, new RpcMethodReferences().For(Frames.Hello), new() { Flags = RpcCallBits.End }, Message),
        ["v2-request-known-method"] = () => Frames.WriteCall(
            RpcFrameType.Request, 2, new RpcMethodReference(1), new() { Flags = RpcCallBits.End }, Message),
        ["v2-response"] = () => Frames.WriteCall(RpcFrameType.Response, 1, default, default, Golden.ReplyBody),
        ["v2-request-fields"] = () => Frames.WriteCall(
            RpcFrameType.Request,
            3,
            new RpcMethodReference(1),
            new()
            {
                Flags = RpcCallBits.End,
                Timeout = TimeSpan.FromMilliseconds(150),
                Metadata = new() { { "Trace-Id", "abc12" }, { "key-bin", [0xff] } },
                AcceptedEncodings = RpcEncodings.All,
                AttachmentLength = 2,
            },
            [.. Message, 0xca, 0xfe]),
        ["v2-response-failure"] = () => Frames.WriteCall(
            RpcFrameType.Response,
            3,
            default,
            new()
            {
                Flags = RpcCallBits.NoMessage,
                Trailers = new() { { "retry-after", "5" } },
                Status = new RpcStatus(RpcStatusCode.NotFound, "nothing", new byte[] { 0x2a }),
            }),
        ["v2-headers"] = () => Frames.WriteCall(
            RpcFrameType.Headers, 4, default, new() { Metadata = new() { { "region", "east" } }, Encoding = RpcEncoding.Brotli }),
        ["v2-data"] = () => Frames.WriteCall(RpcFrameType.Data, 4, default, default, [0x08, 0x96, 0x01]),
        ["v2-response-end-of-stream"] = () => Frames.WriteCall(RpcFrameType.Response, 4, default, new() { Flags = RpcCallBits.NoMessage }),
        ["v2-request-cut"] = () => Frames.WriteCall(
            RpcFrameType.Request, 5, new RpcMethodReference(1), new() { Flags = RpcCallBits.More, MessageLength = 5 }, [0x0a, 0x03, 0x61]),
        ["v2-data-last-piece"] = () => Frames.WriteCall(RpcFrameType.Data, 5, default, new() { Flags = RpcCallBits.End }, [0x62, 0x63]),
        ["v2-credit"] = () => Frames.Write(output => RpcControlFrame.WriteCredit(output, 4, 131_072)),
        ["v2-cancel"] = () => Frames.Write(output => RpcControlFrame.WriteCancel(output, 4, RpcStatusCode.DeadlineExceeded)),
        ["v2-ping"] = () => Frames.Write(output => RpcControlFrame.WritePing(output, 0x0102030405060708)),
        ["v2-pong"] = () => Frames.Write(output => RpcControlFrame.WritePong(output, 0x0102030405060708)),
        ["v2-goaway"] = () => Frames.Write(output => RpcControlFrame.WriteGoAway(output, RpcGoAwayCode.Shutdown, "The server stops.")),
        ["v2-settings"] = () => Frames.Write(new RpcSettings { MaxFrameBodyLength = 1 << 20, MaxConcurrentCalls = 100 }.Write),
    };

    public static TheoryData<string> Names => [.. Written.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Vector_EachOne_IsWhatIsWritten(string name) =>
        Assert.Equal(Convert.ToHexString(WireProtocolDocumentTests.Vectors[name]), Convert.ToHexString(Written[name]()));

    [Theory]
    [MemberData(nameof(Names))]
    public void Vector_SplitAtEveryOffset_IsOneGoodFrame(string name)
    {
        byte[] bytes = WireProtocolDocumentTests.Vectors[name];
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            RpcFrame frame = Frames.Read(Segments.Cut(bytes, cut));
            Assert.Equal(RpcHeaderError.None, Frames.ReadAny(frame));
        }
    }

    [Fact]
    public void Vectors_FrameTypes_AreAllThere() =>
        Assert.Equal(Enum.GetValues<RpcFrameType>(), Written.Values.Select(write => (RpcFrameType)write()[3]).Distinct().Order());

    [Fact]
    public void Text_FrameTypes_AreListed() =>
        Assert.All(Enum.GetValues<RpcFrameType>(), type => AssertRow($"| {(int)type} | {type.ToString().ToUpperInvariant()} |"));

    [Fact]
    public void Text_Flags_AreListed() =>
        Assert.All(
            Enum.GetValues<RpcCallBits>().Where(bit => bit != RpcCallBits.None),
            bit => AssertRow($"| `{(int)bit:x2}` | {ScreamingCase(bit.ToString()).Replace("ONE_WAY", "ONEWAY", StringComparison.Ordinal)} |"));

    [Fact]
    public void Text_GoAwayCodes_AreListed() => Assert.All(Enum.GetValues<RpcGoAwayCode>(), code => AssertRow($"| {(int)code} | {code} |"));

    [Fact]
    public void Text_StatusCodes_AreListedWithBothMappings() =>
        Assert.All(Enum.GetValues<RpcStatusCode>(), code => AssertRow(
            $"| {(int)code} | {Name(code)} | {(code == RpcStatusCode.Ok ? "no error" : $"`{code.ToErrorCode().ToWireName()}`")} | {code.ToHttpStatus()} |"));

    [Fact]
    public void Text_ErrorCodes_AreListedWithTheirStatus() =>
        Assert.All(Enum.GetValues<RpcErrorCode>().GroupBy(code => code.ToStatusCode()), group => Assert.Matches(
            $@"\n\| {string.Join(", ", group.Select(code => $"`{code.ToWireName()}`"))}[^|]* \| {Name(group.Key)} \|", WireProtocolDocumentTests.Document));

    [Fact]
    public void Text_HttpStatuses_AreListedWithTheirCode()
    {
        string[] rows = [.. WireProtocolDocumentTests.Document.Split("| HTTP | code |")[1].Split("\n\n")[0].Split('\n').Where(row => row.Length > 0).Skip(1)];
        Assert.Equal(15, rows.Length);
        for (int status = 400; status < 600; status++)
        {
            string cell = rows.FirstOrDefault(row => row.Split('|')[1].Split(',').Any(part => part.Trim() == $"{status}"))
                ?? rows.Single(row => row.Contains($"other {status / 100}00 to", StringComparison.Ordinal));
            Assert.Equal(Name(RpcStatusCodeExtensions.FromHttpStatus(status)), cell.Split('|')[2].Trim());
        }
    }

    [Fact]
    public void Text_Fields_AreListedWithTheirFramesAndKinds()
    {
        RpcFrameType[] types = [RpcFrameType.Request, RpcFrameType.Headers, RpcFrameType.Data, RpcFrameType.Response];
        for (int number = 1; number <= RpcFields.Last; number++)
        {
            string[] cells = [.. WireProtocolDocumentTests.Document.Split("| number | field | kind | in | meaning |")[1].Split('\n')[number + 1].Split('|').Select(cell => cell.Trim())];
            Assert.Equal($"{number}", cells[1]);
            Assert.Equal((RpcFields.OfBytes & (1u << number)) != 0, cells[3].StartsWith("bytes", StringComparison.Ordinal));
            Assert.Equal((RpcFields.Repeated & (1u << number)) != 0, cells[3].EndsWith("repeated", StringComparison.Ordinal));
            Assert.Equal(
                types.Where(type => (RpcFields.AllowedIn(type) & (1u << number)) != 0).Select(type => type.ToString().ToUpperInvariant()),
                cells[4].Split(", "));
        }
    }

    private static void AssertRow(string start) => Assert.Contains("\n" + start, WireProtocolDocumentTests.Document, StringComparison.Ordinal);

    private static string Name(RpcStatusCode code) => ScreamingCase(code.ToString());

    private static string ScreamingCase(string name)
    {
        StringBuilder text = new();
        foreach (char character in name)
        {
            text.Append(char.IsUpper(character) && text.Length > 0 ? "_" : "").Append(char.ToUpperInvariant(character));
        }

        return text.ToString();
    }
}
