namespace Kestrel.Rpc.Protocol.Tests;

public class RpcRefusalTests
{
    [Fact]
    public void FrameErrors_OverALimit_AreToldApart() =>
        Assert.Equal(
            [RpcFrameErrorKind.ProtocolDataTooLong, RpcFrameErrorKind.BodyTooLong],
            Enum.GetValues<RpcFrameErrorKind>().Where(kind => kind.ToGoAwayCode() == RpcGoAwayCode.LimitExceeded));

    [Theory]
    [InlineData(RpcMetadataError.None, RpcStatusCode.Ok, RpcStatusCode.Ok)]
    [InlineData(RpcMetadataError.Malformed, RpcStatusCode.InvalidArgument, RpcStatusCode.Internal)]
    [InlineData(RpcMetadataError.BadKey, RpcStatusCode.InvalidArgument, RpcStatusCode.Internal)]
    [InlineData(RpcMetadataError.BadText, RpcStatusCode.InvalidArgument, RpcStatusCode.Internal)]
    [InlineData(RpcMetadataError.TooManyEntries, RpcStatusCode.ResourceExhausted, RpcStatusCode.ResourceExhausted)]
    [InlineData(RpcMetadataError.TooLong, RpcStatusCode.ResourceExhausted, RpcStatusCode.ResourceExhausted)]
    public void MetadataErrors_HaveAStatus(RpcMetadataError error, RpcStatusCode ofRequest, RpcStatusCode ofReply) =>
        Assert.Equal((ofRequest, ofReply), (error.ToStatusCode(isReply: false), error.ToStatusCode(isReply: true)));

    [Theory]
    [InlineData(RpcDecompressionResult.Done, RpcStatusCode.Ok, RpcStatusCode.Ok)]
    [InlineData(RpcDecompressionResult.TooLong, RpcStatusCode.ResourceExhausted, RpcStatusCode.ResourceExhausted)]
    [InlineData(RpcDecompressionResult.Malformed, RpcStatusCode.InvalidArgument, RpcStatusCode.Internal)]
    [InlineData(RpcDecompressionResult.Unsupported, RpcStatusCode.Unimplemented, RpcStatusCode.Unimplemented)]
    public void DecompressionResults_HaveAStatus(RpcDecompressionResult result, RpcStatusCode ofRequest, RpcStatusCode ofReply) =>
        Assert.Equal((ofRequest, ofReply), (result.ToStatusCode(isReply: false), result.ToStatusCode(isReply: true)));
}
