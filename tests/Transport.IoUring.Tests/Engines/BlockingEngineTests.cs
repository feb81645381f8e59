using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport.Tests.Engines;

public sealed class BlockingEngineTests
{
    private static readonly TransportVariant Blocking = TransportVariants.Parse("Blocking-1-Inline");

    [Fact]
    public async Task Handler_Blocks_OthersAreServedOnTheirOwnThreads()
    {
        using var release = new ManualResetEventSlim();
        int connections = 0;
        await using ConnectionServer server = await ConnectionServer.StartAsync(Blocking, async connection =>
        {
            bool blocks = Interlocked.Increment(ref connections) == 1;
            var read = await connection.Transport.Input.ReadAsync();
            connection.Transport.Input.AdvanceTo(read.Buffer.End);
            Assert.StartsWith("kestrel-conn-", Thread.CurrentThread.Name, StringComparison.Ordinal);
            if (blocks)
            {
                release.Wait(TimeLimit.Current);
            }

            await connection.Transport.Output.WriteAsync(new byte[] { 1 });
        });
        using TestClient blocked = await server.ConnectAsync();
        await Eventually.TrueAsync(() => server.Live == 1);
        await blocked.SendAsync(new byte[1]);
        for (int i = 0; i < 5; i++)
        {
            using TestClient other = await server.ConnectAsync();
            await Eventually.TrueAsync(() => server.Live == 2);
            await other.SendAsync(new byte[1]);
            Assert.Equal([1], await other.ReceiveExactAsync(1));
            await other.ReceiveEndAsync();
            await Eventually.TrueAsync(() => server.Live == 1);
        }

        release.Set();
        Assert.Equal([1], await blocked.ReceiveExactAsync(1));
        await blocked.ReceiveEndAsync();
        await server.StopAsync();
    }

    [Fact]
    public Task Connections_ComeAndGo_ThreadsAndDescriptorsComeBack() => ChildProcess.RunCheckAsync(BlockingChecks.ThreadsComeBackAsync, Blocking);

    [Fact]
    public void LoopCount_Set_IsRefused()
    {
        var options = Options.Create(new BlockingTransportOptions { LoopCount = 2 });
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(options.Value));
        Assert.Equal("LoopCount", error.ParamName);
    }
}
