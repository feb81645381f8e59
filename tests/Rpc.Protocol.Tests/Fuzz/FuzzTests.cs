namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

// One class for each parser, so that they run beside each other.

public class Version1FrameFuzz
{
    [Fact]
    public async Task AnyBytes_AsFramesOfVersion1_AreFramesOrErrors() =>
        await FuzzRun.ForTheTimeAllowedAsync(new FrameTarget(new RpcFrameRules(new RpcFrameLimits { MaxProtocolDataLength = 256, MaxBodyLength = 512 }, null)));
}

public class Version2FrameFuzz
{
    [Fact]
    public async Task AnyBytes_AsFramesOfBothVersions_AreFramesOrErrors() =>
        await FuzzRun.ForTheTimeAllowedAsync(new FrameTarget(new RpcFrameRules(
            new RpcFrameLimits { MaxProtocolDataLength = 256, MaxBodyLength = 512 },
            new RpcFrameLimits { MaxProtocolDataLength = 128, MaxBodyLength = 256 })));
}

public class HeaderFuzz
{
    [Fact]
    public async Task AnyBytes_AsFrameHeaders_AreHeadersOrErrors() => await FuzzRun.ForTheTimeAllowedAsync(new HeaderTarget());
}

public class ProtocolDataFuzz
{
    [Fact]
    public async Task AnyBytes_AsProtocolData_AreDataOrErrors() => await FuzzRun.ForTheTimeAllowedAsync(new ProtocolDataTarget());
}

public class MetadataFuzz
{
    [Fact]
    public async Task AnyBytes_AsMetadata_AreMetadataOrErrors() =>
        await FuzzRun.ForTheTimeAllowedAsync(new MetadataTarget(new RpcMetadataLimits { MaxEntries = 8, MaxLength = 200 }));
}

public class GzipFuzz
{
    [Fact]
    public async Task AnyBytes_AsGzip_AreMessagesOrErrors() => await FuzzRun.ForTheTimeAllowedAsync(new DecompressionTarget(RpcEncoding.Gzip));
}

public class BrotliFuzz
{
    [Fact]
    public async Task AnyBytes_AsBrotli_AreMessagesOrErrors() => await FuzzRun.ForTheTimeAllowedAsync(new DecompressionTarget(RpcEncoding.Brotli));
}

public class SnappyFuzz
{
    [Fact]
    public async Task AnyBytes_AsSnappy_AreMessagesOrErrors() => await FuzzRun.ForTheTimeAllowedAsync(new DecompressionTarget(RpcEncoding.Snappy));
}

public class CallFuzz
{
    [Fact]
    public async Task AnyBytes_AsFramesOfACall_LeaveNoMemoryBehind() => await FuzzRun.ForTheTimeAllowedAsync(new CallTarget());
}
