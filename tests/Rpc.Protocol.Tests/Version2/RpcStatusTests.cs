namespace Kestrel.Rpc.Protocol.Tests;

public class RpcStatusTests
{
    [Fact]
    public void Codes_AreGrpcsSeventeen() => Assert.Equal(Enumerable.Range(0, 17), Enum.GetValues<RpcStatusCode>().Select(code => (int)code));

    [Fact]
    public void ErrorCodes_EveryOne_HasAStatusThatIsAFailure() =>
        Assert.All(Enum.GetValues<RpcErrorCode>(), code => Assert.NotEqual(RpcStatusCode.Ok, code.ToStatusCode()));

    [Fact]
    public void StatusCodes_EveryOne_HasAnErrorCodeWithAName()
    {
        Assert.All(Enum.GetValues<RpcStatusCode>(), code => Assert.NotEmpty(code.ToErrorCode().ToWireName()));
        Assert.Equal(RpcErrorCode.Server, ((RpcStatusCode)99).ToErrorCode());
        Assert.Equal(RpcStatusCode.Unknown, ((RpcErrorCode)99).ToStatusCode());
        Assert.Equal(500, ((RpcStatusCode)99).ToHttpStatus());
    }

    [Theory]
    [InlineData(RpcErrorCode.Timeout, RpcStatusCode.DeadlineExceeded)]
    [InlineData(RpcErrorCode.Connection, RpcStatusCode.Unavailable)]
    [InlineData(RpcErrorCode.Client, RpcStatusCode.FailedPrecondition)]
    public void ErrorCode_ToStatusAndBack_IsSensible(RpcErrorCode code, RpcStatusCode status)
    {
        Assert.Equal(status, code.ToStatusCode());
        if (status != RpcStatusCode.FailedPrecondition)
        {
            Assert.Equal(code, status.ToErrorCode());
        }
    }

    [Fact]
    public void HttpStatus_EveryNumber_HasACode()
    {
        for (int status = -1; status <= 1000; status++)
        {
            Assert.True(Enum.IsDefined(RpcStatusCodeExtensions.FromHttpStatus(status)));
            Assert.Equal(status is >= 200 and <= 299, RpcStatusCodeExtensions.FromHttpStatus(status) == RpcStatusCode.Ok);
        }
    }

    [Fact]
    public void HttpStatus_OfACode_LeadsBackToTheSameOrItsNeighbour() =>
        Assert.All(Enum.GetValues<RpcStatusCode>(), code =>
        {
            RpcStatusCode back = RpcStatusCodeExtensions.FromHttpStatus(code.ToHttpStatus());
            Assert.Equal(code.ToHttpStatus(), back.ToHttpStatus());
        });

    [Fact]
    public void Exception_OfAnErrorCode_HasAStatus()
    {
        RpcException exception = new(RpcErrorCode.Timeout, "late");
        Assert.Equal((RpcErrorCode.Timeout, RpcStatusCode.DeadlineExceeded, "late"), (exception.Code, exception.StatusCode, exception.Message));
        Assert.Equal(new RpcStatus(RpcStatusCode.DeadlineExceeded, "late"), exception.Status);
        Assert.Empty(exception.Trailers);
    }

    [Fact]
    public void Exception_OfAStatus_HasAnErrorCodeDetailsAndTrailers()
    {
        RpcStatus status = new(RpcStatusCode.Unavailable, "gone", new byte[] { 1 });
        RpcMetadata trailers = new() { { "retry-after", "5" } };
        InvalidOperationException cause = new();
        RpcException exception = new(status, trailers, cause);
        Assert.Equal((RpcErrorCode.Connection, "gone"), (exception.Code, exception.Message));
        Assert.Same(status, exception.Status);
        Assert.Same(trailers, exception.Trailers);
        Assert.Same(cause, exception.InnerException);
        Assert.Equal("x", new RpcException(RpcStatusCode.NotFound, "x").Message);
        Assert.Throws<ArgumentException>(() => new RpcException(RpcStatus.Ok));
        Assert.Throws<ArgumentException>(() => new RpcException(RpcStatusCode.Ok, "fine"));
    }

    [Fact]
    public void Status_Equality_IsOfTheBytes()
    {
        Assert.Equal(new RpcStatus(RpcStatusCode.Internal, "a", new byte[] { 1 }), new RpcStatus(RpcStatusCode.Internal, "a", new byte[] { 1 }));
        Assert.NotEqual(new RpcStatus(RpcStatusCode.Internal, "a", new byte[] { 1 }), new RpcStatus(RpcStatusCode.Internal, "a", new byte[] { 2 }));
        Assert.Equal("Internal: a", new RpcStatus(RpcStatusCode.Internal, "a").ToString());
        Assert.Equal("Ok", RpcStatus.Ok.ToString());
    }
}
