using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Tools that read meters from outside see the transports'.</summary>
public sealed class CounterToolTests
{
    [Theory, Transports(OwnOnly = true, OneLoop = true, PoolOnly = true)]
    public Task Meter_ReadAsCountersToolsDo_TellsEveryInstrument(TransportVariant transport) =>
        ChildProcess.RunCheckAsync(CounterToolChecks.AttachAsync, transport);

    /// <summary>The same through the runtime's own event pipe, which is what such a tool reads: here into a file.</summary>
    [Fact]
    public async Task Meter_EventPipeSession_CarriesEveryInstrument()
    {
        using var folder = new TemporaryFolder();
        string trace = Path.Combine(folder.Path, "trace");
        string session = string.Join(
            ';', "SessionId=SHARED", $"ClientId={Guid.NewGuid()}", $"Metrics={TransportMetrics.MeterName}", "RefreshInterval=1", "MaxTimeSeries=1000", "MaxHistograms=10");
        await ChildProcess.RunCheckAsync(
            CounterToolChecks.AttachAsync,
            TransportVariants.Parse("IoUring-1-ThreadPool"),
            ("DOTNET_EnableEventPipe", "1"),
            ("DOTNET_EventPipeOutputPath", trace),
            ("DOTNET_EventPipeConfig", $"System.Diagnostics.Metrics:0x2:4:{session}"));

        byte[] events = await File.ReadAllBytesAsync(trace).Limited();
        Assert.All(CounterToolChecks.Instruments(), instrument => Assert.NotEmpty(Values(events, instrument)));
        Assert.Equal("2", Values(events, TransportMetrics.AcceptedConnections)[^1]);
        Assert.Contains("2", Values(events, TransportMetrics.Connections));
        Assert.Equal("0", Values(events, TransportMetrics.Connections)[^1]);
    }

    /// <summary>
    /// What the events say of an instrument, in their order. In an event stand, each ended by a zero:
    /// meter | its version | instrument | unit | tags | rate | value; a gauge has no rate.
    /// </summary>
    private static List<string> Values(ReadOnlySpan<byte> events, string instrument)
    {
        int stringsBeforeValue = instrument == TransportMetrics.CompletionsPerEnter ? 2 : 3;
        byte[] start = Encoding.Unicode.GetBytes($"{TransportMetrics.MeterName}\0\0{instrument}\0");
        var values = new List<string>();
        for (int at = events.IndexOf(start); at >= 0; at = events.IndexOf(start))
        {
            events = events[(at + start.Length)..];
            string[] strings = new string(MemoryMarshal.Cast<byte, char>(events[..Math.Min(events.Length & ~1, 1024)])).Split('\0');
            if (strings[1].Contains(TransportMetrics.EngineTag, StringComparison.Ordinal))
            {
                values.Add(strings[stringsBeforeValue]); // not the event that an instrument begins or ends to report
            }
        }

        return values;
    }
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

        using var readings = new CounterReadings(TransportMetrics.MeterName);
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

    public static IEnumerable<string> Instruments() => typeof(TransportMetrics).GetFields(BindingFlags.Static | BindingFlags.Public)
        .Where(field => field.Name != nameof(TransportMetrics.MeterName) && !field.Name.EndsWith("Tag", StringComparison.Ordinal))
        .Select(field => (string)field.GetValue(null)!);

    private static string EngineOf(TransportVariant transport) => transport.Kind switch
    {
        TransportKind.Epoll => "epoll",
        TransportKind.IoUring => "io_uring",
        _ => "blocking",
    };
}
