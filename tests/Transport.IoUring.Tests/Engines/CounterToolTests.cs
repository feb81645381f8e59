using System.Reflection;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Tools that read meters from outside see the transports'.</summary>
public sealed class CounterToolTests
{
    [Theory, Transports(OwnOnly = true, OneLoop = true, PoolOnly = true)]
    public Task Meter_ReadAsCountersToolsDo_TellsEveryInstrument(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(CounterToolChecks.AttachAsync, transport);
}

/// <summary>The children's side: a process has one source of such events.</summary>
internal static class CounterToolChecks
{
    /// <summary>Attaches to a host that has served already, and follows what it serves from then on.</summary>
    public static async Task AttachAsync(TransportVariant transport)
    {
        const int Length = 1000;
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient before = await server.ConnectAsync();
        await before.EchoAsync(seed: 1, Length);

        using var readings = new CounterReadings();
        await Eventually.TrueAsync(() => readings[TransportMetrics.AcceptedConnections] == 1);
        using TestClient after = await server.ConnectAsync();
        await after.EchoAsync(seed: 2, Length);

        await Eventually.TrueAsync(() => readings[TransportMetrics.AcceptedConnections] == 2);
        await Eventually.TrueAsync(() => readings[TransportMetrics.Connections] == 2);
        await Eventually.TrueAsync(() => readings[TransportMetrics.NetworkIo, "direction=receive"] == 2 * Length);
        await Eventually.TrueAsync(() => readings[TransportMetrics.Enters] > 0 && readings[TransportMetrics.Completions] > 0);
        await Eventually.TrueAsync(() => Instruments().All(readings.Instruments.Contains));
        Assert.All(readings.Tags, tags => Assert.Contains($"{TransportMetrics.EngineTag}={EngineOf(transport)}", tags, StringComparison.Ordinal));

        before.Fin();
        await before.ReceiveEndAsync();
        await Eventually.TrueAsync(() => readings[TransportMetrics.Connections] == 1);
        after.Fin();
        await after.ReceiveEndAsync();
        await Eventually.TrueAsync(() => readings[TransportMetrics.Connections] == 0);
        await Eventually.TrueAsync(() => readings[TransportMetrics.NetworkIo, "direction=transmit"] == 2 * Length); // at the latest with the end
        Assert.Empty(readings.Errors);
        await server.StopAsync();
    }

    private static IEnumerable<string> Instruments() => typeof(TransportMetrics).GetFields(BindingFlags.Static | BindingFlags.Public)
        .Where(field => field.Name != nameof(TransportMetrics.MeterName) && !field.Name.EndsWith("Tag", StringComparison.Ordinal))
        .Select(field => (string)field.GetValue(null)!);

    private static string EngineOf(TransportVariant transport) => transport.Kind switch
    {
        TransportKind.Epoll => "epoll",
        TransportKind.IoUring => "io_uring",
        _ => "blocking",
    };
}
