using System.Text;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Configuration that nobody means: it is refused with its key, and never does something else than it says.</summary>
public sealed class HostileConfigurationTests
{
    [Theory]
    [InlineData("1000", "00:00:11", 1000, 11)]
    [InlineData("0.5", null, 0.5, 5)]
    [InlineData(null, "00:01:00", 240, 60)]
    public async Task MinRequestDataRate_FromConfiguration_IsThat(string? bytes, string? grace, double expectedBytes, int expectedGrace)
    {
        List<(string, string?)> values = [];
        if (bytes is not null)
        {
            values.Add(("Rpc:Server:Connections:MinRequestDataRate:BytesPerSecond", bytes));
        }

        if (grace is not null)
        {
            values.Add(("Rpc:Server:Connections:MinRequestDataRate:GracePeriod", grace));
        }

        await using ConfiguredServer server = await ConfiguredServer.StartAsync([.. values]);

        MinDataRate rate = server.Server.Options.Connections.MinRequestDataRate!;
        Assert.Equal((expectedBytes, expectedGrace), (rate.BytesPerSecond, (int)rate.GracePeriod.TotalSeconds));
    }

    [Fact]
    public async Task Options_NullInJson_AreAsIfNothingWasSaidOrNoLimit()
    {
        await using ConfiguredServer server = await StartJsonAsync("""
            {
              "Rpc": {
                "Server": {
                  "Scheduling": null, "EnableDetailedErrors": null, "ReplyCompression": null, "CallLog": null, "Floods": {},
                  "Limits": { "MaxBodyLength": null, "MaxConnections": null, "PriorityKey": null, "Calls": { "Adaptive": null, "MaxConcurrentCalls": null, "AtLimit": null } },
                  "Connections": { "MinRequestDataRate": null, "SniffTimeout": null, "IdleTimeout": null },
                  "Authentication": { "CachedCredentialsPerConnection": null },
                  "Drain": { "Timeout": null, "Linger": null },
                  "Service": null
                }
              }
            }
            """);
        RpcServerOptions read = server.Server.Options;
        RpcServerOptions defaults = new();

        Assert.Null(read.Connections.MinRequestDataRate);
        Assert.Equal(
            (defaults.Scheduling, defaults.EnableDetailedErrors, defaults.ReplyCompression, defaults.Limits.MaxBodyLength, defaults.Connections.IdleTimeout, defaults.Drain.Linger),
            (read.Scheduling, read.EnableDetailedErrors, read.ReplyCompression, read.Limits.MaxBodyLength, read.Connections.IdleTimeout, read.Drain.Linger));
        Assert.Null(read.Limits.Calls.Adaptive);
    }

    [Theory]
    [InlineData("Connections:MinRequestDataRate:BytesPerSec", "5", "MinRequestDataRate:BytesPerSec means nothing to the RPC server. Did you mean 'BytesPerSecond'?")]
    [InlineData("Connections:MinRequestDataRate:BytesPerSecond", "0", "MinRequestDataRate:BytesPerSecond is 0")]
    [InlineData("Connections:MinRequestDataRate:BytesPerSecond", "-1", "MinRequestDataRate:BytesPerSecond is -1")]
    [InlineData("Connections:MinRequestDataRate:BytesPerSecond", "NaN", "MinRequestDataRate:BytesPerSecond is NaN")]
    [InlineData("Connections:MinRequestDataRate:BytesPerSecond", "1e999", "MinRequestDataRate:BytesPerSecond is ")]
    [InlineData("Connections:MinRequestDataRate:BytesPerSecond", "viel", "MinRequestDataRate:BytesPerSecond is 'viel'")]
    [InlineData("Connections:MinRequestDataRate:GracePeriod", "00:00:00", "MinRequestDataRate:GracePeriod is 00:00:00")]
    [InlineData("Connections:MinRequestDataRate:GracePeriod", "-1", "MinRequestDataRate:GracePeriod is -1")]
    [InlineData("Connections:MinRequestDataRate:GracePeriod", "soon", "MinRequestDataRate:GracePeriod is 'soon'")]
    [InlineData("Connections:MinRequestDataRate", "240", "MinRequestDataRate is '240'; it must be a section")]
    [InlineData("Limits", "5", "Rpc:Server:Limits is '5'; it must be a section")]
    [InlineData("Limits:Calls:Adaptive", "true", "Rpc:Server:Limits:Calls:Adaptive is 'true'; it must be a section")]
    [InlineData("Limits:MaxBodyLength:0", "5", "Rpc:Server:Limits:MaxBodyLength must be one value")]
    [InlineData("EnableDetailedErrors:0", "true", "Rpc:Server:EnableDetailedErrors must be one value")]
    [InlineData("Limits:MaxBodyLength", "4294967297", "Rpc:Server:Limits:MaxBodyLength")]
    [InlineData("Limits:MaxBodyLength", "99999999999999999999", "Rpc:Server:Limits:MaxBodyLength")]
    [InlineData("Limits:MaxBodyLength", "-2147483648", "Limits.MaxBodyLength is -2147483648")]
    [InlineData("Limits:MaxBodyLength", "1.5", "Rpc:Server:Limits:MaxBodyLength")]
    [InlineData("Limits:MaxBodyLength", "\u0661\u0662", "Rpc:Server:Limits:MaxBodyLength")]
    [InlineData("Limits:MaxConnections", "0", "Limits.MaxConnections is 0")]
    [InlineData("Limits:Calls:MaxConcurrentCalls", "-5", "Limits.Calls.MaxConcurrentCalls is -5")]
    [InlineData("Limits:Calls:AtLimit", "Explode", "Rpc:Server:Limits:Calls:AtLimit")]
    [InlineData("Limits:Calls:AtLimit", "99", "AtLimit is 99")]
    [InlineData("Limits:PriorityKey", "a\nb", "Limits.PriorityKey is 'a?b'")]
    [InlineData("Limits:PriorityKey", "PRIO-bin", "Limits.PriorityKey is 'PRIO-bin'")]
    [InlineData("Authentication:CredentialsKey", "\u0430uthorization", "Authentication.CredentialsKey is ")]
    [InlineData("Authentication:CredentialsKey", "", "Authentication.CredentialsKey is ''")]
    [InlineData("EnableDetailedErrors", "yes", "Rpc:Server:EnableDetailedErrors")]
    [InlineData("Drain:Timeout", "-00:00:01", "Drain.Timeout is -00:00:01")]
    [InlineData("Drain:Timeout", "10675199.02:48:05.4775807", "Drain.Timeout is 10675199")]
    [InlineData("Connections:IdleTimeout", "99:99:99", "Rpc:Server:Connections:IdleTimeout")]
    [InlineData("L\u0131mits:MaxBodyLength", "5", "means nothing to the RPC server. Did you mean 'Limits'?")]
    [InlineData("Limits:Max\nBodyLength", "5", "Rpc:Server:Limits:Max?BodyLength means nothing")]
    public async Task Start_ValueOrKeyIsWrong_FailsWithTheKey(string key, string value, string expected)
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => ConfiguredServer.StartAsync(($"Rpc:Server:{key}", value)));

        Assert.True(error is OptionsValidationException or InvalidOperationException, $"{error}");
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private static Task<ConfiguredServer> StartJsonAsync(string json) =>
        ConfiguredServer.StartAsync(configuration => configuration.AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))));
}
