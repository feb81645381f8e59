using System.Net;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What HTTP callers see of calls that fail.</summary>
public sealed class HttpErrorTests
{
    [Theory]
    [InlineData(RpcStatusCode.Cancelled, 499, "CANCELLED")]
    [InlineData(RpcStatusCode.Unknown, 500, "UNKNOWN")]
    [InlineData(RpcStatusCode.InvalidArgument, 400, "INVALID_ARGUMENT")]
    [InlineData(RpcStatusCode.DeadlineExceeded, 504, "DEADLINE_EXCEEDED")]
    [InlineData(RpcStatusCode.NotFound, 404, "NOT_FOUND")]
    [InlineData(RpcStatusCode.AlreadyExists, 409, "ALREADY_EXISTS")]
    [InlineData(RpcStatusCode.PermissionDenied, 403, "PERMISSION_DENIED")]
    [InlineData(RpcStatusCode.ResourceExhausted, 429, "RESOURCE_EXHAUSTED")]
    [InlineData(RpcStatusCode.FailedPrecondition, 400, "FAILED_PRECONDITION")]
    [InlineData(RpcStatusCode.Aborted, 409, "ABORTED")]
    [InlineData(RpcStatusCode.OutOfRange, 400, "OUT_OF_RANGE")]
    [InlineData(RpcStatusCode.Unimplemented, 501, "UNIMPLEMENTED")]
    [InlineData(RpcStatusCode.Internal, 500, "INTERNAL")]
    [InlineData(RpcStatusCode.Unavailable, 503, "UNAVAILABLE")]
    [InlineData(RpcStatusCode.DataLoss, 500, "DATA_LOSS")]
    [InlineData(RpcStatusCode.Unauthenticated, 401, "UNAUTHENTICATED")]
    public async Task Handler_Refuses_CallerSeesStatusCodeMessageDetailsAndTrailers(RpcStatusCode code, int status, string name)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, HelloReply (HelloRequest _, RpcContext context) =>
        {
            context.ReplyMetadata.Add("shown", "yes");
            context.ReplyTrailers.Add("retry", "é");
            context.ReplyTrailers.Add("raw-bin", [1, 2, 3]);
            throw new RpcException(new RpcStatus(code, "No such thing.", new byte[] { 8, 5 }));
        }).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(status, (int)answer.Status);
        Assert.Equal(name, answer.Code);
        Assert.Equal("No such thing.", answer.Problem.GetProperty("detail").GetString());
        Assert.Equal("CAU=", answer.Problem.GetProperty("details").GetString());
        Assert.Equal("""{"retry":["é"],"raw-bin":["AQID"]}""", Unescape(answer.Problem.GetProperty("trailers").GetRawText()));
        Assert.Equal("yes", answer.Header("shown"));
    }

    [Theory]
    [InlineData(false, "The handler failed.")]
    [InlineData(true, "InvalidOperationException: secret")]
    public async Task Handler_Fails_CallerSeesWhyOnlyIfTheOptionSaysSo(bool isDetailed, string expected)
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app => app.MapRpc(Golden.Name, HelloReply (HelloRequest _) => throw new InvalidOperationException("secret")).WithHttp(),
            rpc: options => options.EnableDetailedErrors = isDetailed);

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.Equal("UNKNOWN", answer.Code);
        Assert.Equal(expected, answer.Problem.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task Handler_GivesNoReply_Is500()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(app => app.MapRpc(Golden.Name, HelloReply? (HelloRequest _) => null).WithHttp());

        HttpAnswer answer = await peer.PostAsync(HttpPeer.Hello, "{}");

        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.Equal("INTERNAL", answer.Code);
    }

    private static string Unescape(string json) => json.Replace("\\u00E9", "é", StringComparison.Ordinal);
}
