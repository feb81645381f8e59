using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Limits that are out of range.</summary>
public sealed class LimitOptionsTests
{
    [Theory]
    [InlineData(0), InlineData(1_000_001)]
    public void RequireConcurrency_OutOfRange_Throws(int most)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddRpc();
        using WebApplication app = builder.Build();
        RpcEndpointConventionBuilder method = app.MapHello();

        Assert.Contains("RequireConcurrency.MaxConcurrentCalls", Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(most)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(1, (RpcLimitPolicy)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => method.RequireConcurrency(_ => { }));
    }

    [Fact]
    public async Task Options_OutOfRange_FailTheStartWithTheirNames()
    {
        Exception error = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = 0;
                options.Limits.Calls.AtLimit = (RpcLimitPolicy)7;
                options.Limits.Calls.MaxWaitingCalls = 0;
                options.Limits.Calls.Adaptive = new RpcAdaptiveConcurrencyOptions { InitialLimit = 0, MinLimit = -1, RemeasureInterval = TimeSpan.Zero };
                options.Limits.PriorityKey = "key-bin";
                options.Limits.MaxConnections = 0;
                options.Limits.MaxStreamsPerConnection = 0;
                options.Connections.IdleTimeout = TimeSpan.Zero;
                options.Connections.SendTimeout = TimeSpan.FromSeconds(-5);
            },
        }));

        string[] keys =
        [
            "Limits.Calls.MaxConcurrentCalls", "Limits.Calls.AtLimit", "Limits.Calls.MaxWaitingCalls", "Limits.Calls.Adaptive.InitialLimit", "Limits.Calls.Adaptive.MinLimit",
            "Limits.Calls.Adaptive.RemeasureInterval", "Limits.PriorityKey", "Limits.MaxConnections", "Limits.MaxStreamsPerConnection", "Connections.IdleTimeout", "Connections.SendTimeout",
        ];
        Assert.All(keys, key => Assert.Contains($"RpcServerOptions.{key} is ", error.Message, StringComparison.Ordinal));
    }
}
