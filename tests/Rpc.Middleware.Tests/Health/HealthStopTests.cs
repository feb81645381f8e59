using Kestrel.Rpc.Middleware.Health;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using static Kestrel.Rpc.Middleware.Health.HealthCheckResponse.Types;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Health says NOT_SERVING from the first moment of the host's stop on, whatever its checks do.</summary>
public sealed class HealthStopTests
{
    [Theory]
    [InlineData("Watch"), InlineData("Check")]
    public async Task Stop_ACheckHangs_NotServingIsSaid(string method)
    {
        Hanging check = new();
        await using TestServer server = await StartAsync(check);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Ask(1, method));
        await check.Entered.Task.InTime();

        server.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        Version2Reply said = await peer.ReceiveAsync();
        if (said.Type == RpcFrameType.GoAway)
        {
            said = await peer.ReceiveAsync();
        }

        Assert.Equal((1u, ServingStatus.NotServing), (said.Id, Status(said)));
        check.Release.SetResult();
    }

    [Fact]
    public async Task Stop_ACheckHangs_WatchEndsAndTheDrainDoesNotWait()
    {
        Hanging check = new();
        ManualTime time = new(); // the drain's time never comes
        await using TestServer server = await StartAsync(check, time: time);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Ask(1, "Watch"));
        await check.Entered.Task.InTime();

        Task stopped = server.StopAsync();

        List<Version2Reply> frames = [];
        while (await peer.TryReceiveAsync() is { } frame)
        {
            frames.Add(frame);
            if (frame.Type == RpcFrameType.Response)
            {
                peer.Raw.EndSending(); // as a client that was told does
            }
        }

        await stopped;
        check.Release.SetResult();
        Assert.Equal(ServingStatus.NotServing, Status(Assert.Single(frames, frame => frame.Type == RpcFrameType.Data)));
        Assert.Equal(RpcStatus.Ok, Assert.Single(frames, frame => frame.Type == RpcFrameType.Response).Status);
    }

    [Fact]
    public async Task Stop_WithADelay_NotServingIsSaidFromItsBeginningOn()
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(null, options => options.Drain.Delay = TimeSpan.FromSeconds(3), time);
        await using Version2Peer peer = await Version2Peer.ConnectAsync(server);
        await peer.SendAsync(Ask(1, "Check"), Ask(2, "Watch"));
        Assert.Equal([ServingStatus.Serving, ServingStatus.Serving], [Status(await peer.ReceiveAsync()), Status(await peer.ReceiveAsync())]);

        Task stopped = server.StopAsync(); // by the host itself: ApplicationStopping comes when the delay is over
        await peer.SendAsync(Ask(3, "Check"));

        Dictionary<uint, ServingStatus> said = [];
        while (said.Count < 2)
        {
            Version2Reply reply = await peer.ReceiveAsync();
            if (reply.Body.Length > 0)
            {
                said[reply.Id] = Status(reply);
            }
        }

        Assert.Equal((ServingStatus.NotServing, ServingStatus.NotServing), (said[2], said[3]));
        Assert.False(server.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);
        await peer.DisposeAsync();
        while (!stopped.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(stopped, Task.Delay(20));
        }

        await stopped;
    }

    private static Task<TestServer> StartAsync(Hanging? check, Action<RpcServerOptions>? rpc = null, ManualTime? time = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = rpc,
            Services = services =>
            {
                services.AddSingleton<TimeProvider>(time ?? TimeProvider.System);
                IHealthChecksBuilder checks = services.AddHealthChecks();
                if (check is not null)
                {
                    checks.AddCheck("hanging", check);
                }
            },
            App = app => app.MapRpcHealthChecks(),
        });

    private static byte[] Ask(uint id, string method) => Version2Frames.Request(id, new RpcCallHeader { Flags = RpcCallBits.End }, [], $"grpc.health.v1.Health/{method}");

    private static ServingStatus Status(Version2Reply frame) => HealthCheckResponse.Parser.ParseFrom(frame.Body).Status;

    // A driver that ignores its token.
    private sealed class Hanging : IHealthCheck
    {
        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Release { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            Entered.TrySetResult();
            await Release.Task;
            return HealthCheckResult.Healthy();
        }
    }
}
