using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Peers cannot fill a disk with what the server says of them.</summary>
public sealed class LogBoundTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly LogCollector _logs = new();

    public void Dispose() => _logs.Dispose();

    [Fact]
    public void Lines_OfAnEventOfPeers_AreBoundedInASecondAndTheRestIsCounted()
    {
        GuardedLogger logger = new(_logs.CreateLogger("Kestrel.Rpc.Server"), _time);
        for (int i = 0; i < 150; i++)
        {
            Log.BadFrame(logger, $"connection {i}", "no frame");
        }

        Log.UnknownProtocol(logger, "another event"); // has a bound of its own
        Assert.Equal((100, 1, 0), Counts());
        _time.Advance(TimeSpan.FromSeconds(1));
        Log.BadFrame(logger, "connection", "no frame");

        Assert.Equal((101, 1, 1), Counts());
        Assert.Equal("50 lines of event 23 were left out since its last one: there were more than a second may have.", _logs.Ours.Single(line => line.Id == 84).Message);
        Log.BadFrame(logger, "connection", "no frame");
        Assert.Equal((102, 1, 1), Counts());
    }

    [Fact]
    public void Lines_OfHandlersThatFail_AreAllThere()
    {
        GuardedLogger logger = new(_logs.CreateLogger("Kestrel.Rpc.Server"), _time);
        for (int i = 0; i < 150; i++)
        {
            Log.HandlerFailed(logger, Kestrel.Rpc.Protocol.RpcMethodName.Parse("a/B"), "connection", new InvalidOperationException());
        }

        Assert.Equal(150, _logs.Ours.Count(line => line.Id == 32));
    }

    private (int BadFrames, int UnknownProtocols, int LeftOut) Counts() =>
        (_logs.Ours.Count(line => line.Id == 23), _logs.Ours.Count(line => line.Id == 10), _logs.Ours.Count(line => line.Id == 84));
}
