using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Changes of the configuration while the host runs.</summary>
public sealed class ReloadTests
{
    // The one key whose value of now keeps the others from being changed alone.
    private static readonly (string, string?)[] Other =
        [("Rpc:Server:Service:0:Name", "other"), ("Rpc:Server:Service:0:Ip", "127.0.0.1"), ("Rpc:Server:Service:0:Port", "0")];

    [Fact]
    public async Task Reload_Changes_TakeEffectOrAreToldOnce()
    {
        ChangingSource source = new() { Values = { ["Rpc:Server:Limits:MaxBodyLength"] = "5000", ["Rpc:Server:Scheduling"] = "Inline" } };
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(configuration => configuration.Add(source));

        source.Change("Rpc:Server:Limits:MaxBodyLength", "6000");
        Assert.Equal(6000, server.Server.FrameLimits.MaxBodyLength);
        source.Change("Rpc:Server:Scheduling", "ThreadPool");
        source.Change("Rpc:Server:Scheduling", "Dedicated");
        source.Change("Rpc:Server:Limits:MaxBodyLength", "-5");
        source.Change("Rpc:Server:Limits:MaxBodyLength", "many");
        source.Change("Rpc:Server:Limits:MaxBodyLnegth", "1");

        Assert.Equal(6000, server.Server.FrameLimits.MaxBodyLength);
        IReadOnlyList<LogLine> lines = server.Logs.Ours;
        Assert.Equal("The configuration has changed and is taken: Rpc:Server:Limits:MaxBodyLength.", Assert.Single(lines, line => line.Id == 95).Message);
        Assert.Equal("Rpc:Server:Scheduling has changed. That takes effect when the host starts again.", Assert.Single(lines, line => line.Id == 94).Message);
        Assert.Equal(3, lines.Count(line => line.Id == 93));
    }

    [Fact]
    public async Task Reload_EveryKey_TakesEffectIfItIsSaidTo()
    {
        ChangingSource source = new();
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(configuration => configuration.Add(source));
        string atStart = Describe(server.Server.Options);
        int count = 0;
        foreach ((string key, string value) in Changes(typeof(RpcServerOptions), new RpcServerOptions(), "Rpc:Server"))
        {
            string before = Describe(server.Server.Live);
            source.Change(key, value);
            bool hasChanged = Describe(server.Server.Live) != before;
            string[] told = [.. server.Logs.Ours.Where(line => line.Id is 93 or 94 or 95).Select(line => $"{line.Id} {line.Message}")];
            server.Logs.Clear();
            source.Change(key, null);
            server.Logs.Clear();

            Assert.Equal((key, RpcLiveOptions.Keys.Contains(key)), (key, hasChanged));
            string expected = hasChanged ? $"95 The configuration has changed and is taken: {key}."
                : key.StartsWith($"Rpc:Server:{RpcServerKeys.AdaptivePerConnection}", StringComparison.Ordinal) ? "93 The configuration has changed and is not taken"
                : $"94 {key} has changed.";
            Assert.StartsWith(expected, Assert.Single(told), StringComparison.Ordinal);
            Assert.Equal(atStart, Describe(server.Server.Options));
            count++;
        }

        Assert.Equal(RpcServerKeys.Sections.Values.Sum(names => names.Length) - RpcServerKeys.Sections.Count, count); // all but sections, and the services
    }

    [Theory]
    [InlineData("0"), InlineData("1"), InlineData("1024")]
    public async Task Reload_CachedCredentials_CallsOfNewConnectionsGoOn(string value)
    {
        ChangingSource source = new() { Values = { ["Rpc:Server:Authentication:CachedCredentialsPerConnection"] = "4" } };
        Users users = new();
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.AddInMemoryCollection(Other.Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2))).Add(source),
            builder => builder.Services.AddSingleton<IRpcCallAuthenticator>(users));

        source.Change("Rpc:Server:Authentication:CachedCredentialsPerConnection", value);
        await using Version2Peer peer = new(await RawPeer.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Ports[0])));
        for (uint id = 1; id <= 3; id++)
        {
            await peer.SendAsync(Version2Frames.Hello(id, "x", Users.Bearer("ann"), "other/Hello"));
            Assert.Equal(RpcStatus.Ok, (await peer.ReceiveResponseAsync(id)).Status);
        }

        Assert.Equal(1, users.Asked); // remembered, as at the start
    }

    [Fact]
    public async Task Reload_Floods_NewConnectionsHaveTheNewBound()
    {
        ChangingSource source = new() { Values = { ["Rpc:Server:Floods:MaxPings"] = "1000" } };
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.AddInMemoryCollection(Other.Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2))).Add(source));
        IPEndPoint address = new(IPAddress.Loopback, server.Ports[0]);
        await using Version2Peer before = new(await RawPeer.ConnectAsync(address));
        await before.SendAsync(Version2Frames.Ping(1));
        Assert.Equal(RpcFrameType.Pong, (await before.ReceiveAsync()).Type);

        source.Change("Rpc:Server:Floods:MaxPings", "1");

        await using Version2Peer after = new(await RawPeer.ConnectAsync(address));
        byte[] five = [.. Enumerable.Repeat(Version2Frames.Ping(1), 5).SelectMany(frame => frame)];
        await after.SendAsync(five);
        await after.ExpectGoAwayAsync(RpcGoAwayCode.EnhanceYourCalm);
        await before.SendAsync(five);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(RpcFrameType.Pong, (await before.ReceiveAsync()).Type);
        }
    }

    [Fact]
    public async Task Reload_WhileCallsRun_NoneIsLost()
    {
        ChangingSource source = new();
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.AddInMemoryCollection(Other.Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2))).Add(source));
        int port = server.Ports[0];

        Task<string>[] callers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            string answers = "";
            for (int i = 0; i < 30; i++)
            {
                string answer = await ConfiguredServer.HelloAsync(port, "other"); // a connection of its own
                answers += answer == "other: x" ? "" : answer;
            }

            return answers;
        }))];
        int changes = 0;
        for (Task all = Task.WhenAll(callers); !all.IsCompleted; changes++)
        {
            source.Change("Rpc:Server:Limits:MaxBodyLength", $"{5000 + changes}");
            source.Change("Rpc:Server:Floods:MaxPings", $"{-changes}"); // out of range: the whole change is left alone
            source.Change("Rpc:Server:Limits:MaxBodyLength", "60");
            source.Change("Rpc:Server:Floods:MaxPings", null);
            source.Change("Rpc:Server:Limits:MaxBodyLength", null);
            await Task.Yield();
        }

        Assert.All(await Task.WhenAll(callers).InTime(), answers => Assert.Equal("", answers));
        Assert.Equal(new RpcServerOptions().Limits.MaxBodyLength, server.Server.FrameLimits.MaxBodyLength);
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == 93 && !line.Message.Contains("Floods.MaxPings", StringComparison.Ordinal));
    }

    // A value for each key that is not the one it has, and in order.
    private static IEnumerable<(string Key, string Value)> Changes(Type type, object? options, string path)
    {
        foreach (PropertyInfo property in type.GetProperties())
        {
            string key = $"{path}:{property.Name}";
            object? now = options is null ? null : property.GetValue(options);
            Type kind = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            if (kind.IsClass && kind != typeof(string))
            {
                foreach ((string, string) change in Changes(kind, now, key))
                {
                    yield return change;
                }

                continue;
            }

            yield return (key, kind switch
            {
                _ when kind == typeof(bool) => $"{now is not true}",
                _ when kind == typeof(int) => ((now as int? ?? 4) + (now is int.MaxValue ? -1 : 1)).ToString(CultureInfo.InvariantCulture),
                _ when kind == typeof(double) => "300.5",
                _ when kind == typeof(TimeSpan) => "00:00:04.5",
                _ when kind.IsEnum => Enum.GetNames(kind)[^1],
                _ => "x-other",
            });
        }
    }

    private static string Describe(object? value) => value switch
    {
        null => "null",
        string or ValueType => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        IEnumerable => "",
        _ => string.Join(';', value.GetType().GetProperties(BindingFlags.Instance | BindingFlags.Public).Select(property => $"{property.Name}={Describe(property.GetValue(value))}")),
    };
}
