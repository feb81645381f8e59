using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>The fuzzer finds what it is there to find: parsers whose checks are gone fail it, and soon.</summary>
public class FuzzRunTests
{
    private const long Soon = 200_000;

    private static readonly RpcFrameLimits Small = new() { MaxProtocolDataLength = 128, MaxBodyLength = 256 };
    private static readonly RpcFrameLimits None = new() { MaxProtocolDataLength = RpcFrameLimits.Largest, MaxBodyLength = RpcFrameLimits.Largest };

    [Fact]
    public async Task Frames_WithoutTheLengthCheckOfVersion1_Fail()
    {
        FuzzException failed = await FailAsync(new FrameTarget(new RpcFrameRules(None, null), new RpcFrameRules(Small, null)));
        Assert.Contains("over the limit", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_WithoutTheLengthCheckOfVersion2_Fail()
    {
        FuzzException failed = await FailAsync(new FrameTarget(new RpcFrameRules(Small, None), new RpcFrameRules(Small, Small)));
        Assert.Contains("over the limit", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Frames_WithoutTheVersionCheck_Fail()
    {
        FuzzException failed = await FailAsync(new FrameTarget(RpcFrameRules.Default, RpcFrameRules.Default.For(1)));
        Assert.Contains("version", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(int.MaxValue, 200, "entries")]
    [InlineData(8, int.MaxValue, "bytes")]
    public async Task Metadata_WithoutALimit_Fails(int maxEntries, int maxLength, string expected)
    {
        RpcMetadataLimits limits = new() { MaxEntries = maxEntries, MaxLength = maxLength };
        FuzzException failed = await FailAsync(new MetadataTarget(limits, new RpcMetadataLimits { MaxEntries = 8, MaxLength = 200 }));
        Assert.Contains(expected, failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RpcEncoding.Gzip)]
    [InlineData(RpcEncoding.Brotli)]
    [InlineData(RpcEncoding.Snappy)]
    public async Task Decompression_WithoutTheLimit_Fails(RpcEncoding encoding)
    {
        FuzzException failed = await FailAsync(new DecompressionTarget(encoding, limit: int.MaxValue / 4, judged: 2000));
        Assert.Contains("More was unpacked", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parser_AllocatesOnAPromise_Fails()
    {
        FuzzException failed = await FailAsync(new Broken(input => GC.KeepAlive(new byte[Promised(input)])));
        Assert.Contains("bytes were allocated", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parser_ReadsBeyondTheEnd_Fails()
    {
        FuzzException failed = await FailAsync(new Broken(input => input.Slice(0, Promised(input))));
        Assert.IsType<ArgumentOutOfRangeException>(failed.InnerException);
        Assert.Contains("Seed", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_SameSeed_MakesTheSameInputs()
    {
        List<string>[] seen = [[], []];
        foreach (List<string> inputs in seen)
        {
            await FuzzRun.ForInputsAsync(new Broken(input => inputs.Add(Convert.ToHexString(input.ToArray()))), 1000);
        }

        Assert.Equal(seen[0], seen[1]);
        Assert.True(seen[0].Distinct().Count() > 300);
    }

    private static int Promised(in ReadOnlySequence<byte> input) => input.Length < 2 ? 0 : (input.ToArray()[1] << 16) % (1 << 20);

    private static async Task<FuzzException> FailAsync(FuzzTarget target) =>
        await Assert.ThrowsAsync<FuzzException>(() => FuzzRun.ForInputsAsync(target, Soon));

    private sealed class Broken(Action<ReadOnlySequence<byte>> parse) : FuzzTarget
    {
        public override IReadOnlyList<byte[]> Corpus { get; } = [[1, 0, 3, 4, 5, 6, 7, 8]];

        public override long Budget(long inputLength) => 64 * 1024;

        public override void Parse(in ReadOnlySequence<byte> input) => parse(input);
    }
}
