using System.Buffers;
using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>docs/wire-protocol.md says what the code does.</summary>
public partial class WireProtocolDocumentTests
{
    internal static readonly string Document = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "wire-protocol.md"));
    internal static readonly Dictionary<string, byte[]> Vectors = ReadVectors();

    private static readonly string[] OfVersion1 = ["error-reply", "hello-reply", "hello-reply-of-the-original", "hello-request"];

    [Fact]
    public void Vectors_AllOfThem_AreChecked() =>
        Assert.Equal([.. OfVersion1, .. Version2DocumentTests.Written.Keys.Order(StringComparer.Ordinal)], Vectors.Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Vectors_Hello_AreTheGoldenOnes()
    {
        Assert.Equal(Golden.Request, Vectors["hello-request"]);
        Assert.Equal(Golden.Reply, Vectors["hello-reply"]);
        Assert.Equal(Golden.ReplyOfTheOriginal, Vectors["hello-reply-of-the-original"]);
    }

    [Fact]
    public void Vectors_ErrorReply_IsWhatIsWritten()
    {
        ArrayBufferWriter<byte> output = new();
        RpcErrorReply.Write(output, 1, "helloworld", "Nope", RpcErrorCode.Server, "Service 'helloworld' has no method 'Nope'.");
        Assert.Equal(Vectors["error-reply"], output.WrittenSpan.ToArray());
    }

    [Fact]
    public void Vectors_EachOne_IsOneWholeFrame() =>
        Assert.All(OfVersion1, name =>
        {
            ReadOnlySequence<byte> buffer = new(Vectors[name]);
            Assert.Equal(RpcFrameReadStatus.Frame, RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out _, out _));
            Assert.True(buffer.IsEmpty);
        });

    [Fact]
    public void Text_EveryErrorCode_IsListed() =>
        Assert.All(Enum.GetValues<RpcErrorCode>(), code => Assert.Contains($"| `{code.ToWireName()}` |", Document, StringComparison.Ordinal));

    // ```vector name
    // 12 34   # comment
    // ```
    private static Dictionary<string, byte[]> ReadVectors() =>
        VectorBlock().Matches(Document).ToDictionary(
            match => match.Groups["name"].Value,
            match => Convert.FromHexString(string.Concat(
                match.Groups["lines"].Value.Split('\n').Select(line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal)))));

    [GeneratedRegex(@"^```vector (?<name>\S+)\n(?<lines>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex VectorBlock();
}
