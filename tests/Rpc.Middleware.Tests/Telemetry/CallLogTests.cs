using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The log of slow and failed calls.</summary>
public sealed class CallLogTests
{
    private const int Slow = 81;
    private const int Failed = 82;

    private static readonly RpcMethod<HelloRequest, HelloReply> Hello = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Hello");
    private static readonly RpcMethod<HelloRequest, HelloReply> Unknown = RpcMethod.Unary<HelloRequest, HelloReply>("helloworld", "Nope");

    [Fact]
    public async Task SlowCall_TakesAsLongAsTheThreshold_IsLoggedWithAllThatIsKnown()
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(
            options => options.SlowerThan = TimeSpan.FromSeconds(2),
            time,
            request => time.Advance(TimeSpan.FromMilliseconds(request.Msg == "slow" ? 2000 : 1999)));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest { Msg = "fast" }).AsTask().InTime();
        await connection.CallAsync(Hello, new HelloRequest { Msg = "slow" }, new RpcCallOptions { Timeout = TimeSpan.FromSeconds(60) }).AsTask().InTime();

        LogLine line = Assert.Single(server.Logs.Ours, line => line.Id == Slow);
        Assert.Equal(LogLevel.Warning, line.Level);
        Assert.StartsWith($"The call of helloworld/Hello from {connection.LocalEndPoint} on connection ", line.Message, StringComparison.Ordinal);
        Assert.Contains(" took 00:00:02 and ended with OK.", line.Message, StringComparison.Ordinal);
        Assert.Contains("time left: 00:00:5", line.Message, StringComparison.Ordinal); // of 60 s as the client sends them
        Assert.Contains(" waited 00:00:00 ", line.Message, StringComparison.Ordinal);
        Assert.EndsWith("; trace: ; not logged before: 0.", line.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SlowCall_WithAnActivity_IsLoggedWithItsTrace()
    {
        await using TestServer server = await StartAsync(options => options.SlowerThan = TimeSpan.Zero);
        using ActivityRecorder activities = new(server.Services);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        LogLine line = Assert.Single(server.Logs.Ours, line => line.Id == Slow);
        Assert.Contains($"trace: {Assert.Single(activities.Stopped).TraceId};", line.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedCall_ServerIsToBlame_IsLoggedOthersAreNot()
    {
        await using TestServer server = await StartAsync(
            options => options.Errors = true,
            handler: request => throw new RpcException(Enum.Parse<RpcStatusCode>(request.Msg), "no"));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await FailAsync(connection, Hello, nameof(RpcStatusCode.NotFound));
        await FailAsync(connection, Hello, nameof(RpcStatusCode.Internal));
        await FailAsync(connection, Unknown, "");

        Assert.Collection(
            server.Logs.Ours.Where(line => line.Id == Failed),
            line => Assert.Contains("The call of helloworld/Hello", line.Message, StringComparison.Ordinal),
            line => Assert.Contains("The call of _OTHER", line.Message, StringComparison.Ordinal));
        Assert.Contains("failed with INTERNAL after", server.Logs.Ours.First(line => line.Id == Failed).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == Slow);
    }

    [Fact]
    public async Task Calls_MoreThanASecondMayHave_AreCountedAndSaidWithTheNextLine()
    {
        ManualTime time = new();
        await using TestServer server = await StartAsync(
            options =>
            {
                options.SlowerThan = TimeSpan.Zero;
                options.MaxPerSecond = 2;
            },
            time);
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        for (int i = 0; i < 5; i++)
        {
            await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
        }

        await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(Unknown, new HelloRequest()).AsTask().InTime()); // another method
        time.Advance(TimeSpan.FromSeconds(1));
        await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();

        Assert.Equal(
            ["Hello 0.", "Hello 0.", "_OTHER 0.", "Hello 3."],
            server.Logs.Ours.Where(line => line.Id == Slow)
                .Select(line => $"{(line.Message.Contains("Hello", StringComparison.Ordinal) ? "Hello" : "_OTHER")} {line.Message.Split(' ')[^1]}"));
    }

    [Fact]
    public async Task Calls_ByDefault_AreNotLogged()
    {
        await using TestServer server = await StartAsync(_ => { }, handler: _ => throw new RpcException(RpcStatusCode.Internal, "no"));
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await FailAsync(connection, Hello, "");

        Assert.DoesNotContain(server.Logs.Ours, line => line.Id is Slow or Failed);
        Assert.False(server.Services.GetRequiredService<RpcCallObserver>().IsOn);
    }

    [Fact]
    public async Task Reload_OptionsOfTheLog_TakeEffectWithTheNextRead()
    {
        ChangingSource source = new()
        {
            Values =
            {
                ["Rpc:Server:CallLog:MaxPerSecond"] = "100",
                ["Rpc:Server:Service:0:Name"] = "helloworld",
                ["Rpc:Server:Service:0:Ip"] = "127.0.0.1",
                ["Rpc:Server:Service:0:Port"] = "0",
            },
        };
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.Add(source), builder => builder.Services.AddSingleton<TimeProvider>(new ManualTime()));
        RpcCallObserver observer = server.App.Services.GetRequiredService<RpcCallObserver>();
        await using RpcConnection connection = await RpcConnection.ConnectAsync(server.EndPoint).InTime();
        async Task<int> CallAsync()
        {
            int before = server.Logs.Ours.Count(line => line.Id is Slow or Failed);
            for (int i = 0; i < 3; i++)
            {
                await connection.CallAsync(Hello, new HelloRequest()).AsTask().InTime();
            }

            await FailAsync(connection, Unknown, "");
            return server.Logs.Ours.Count(line => line.Id is Slow or Failed) - before;
        }

        Assert.Equal((0, false), (await CallAsync(), observer.IsOn));
        source.Change("Rpc:Server:CallLog:Errors", "true");
        Assert.Equal((1, true), (await CallAsync(), observer.IsOn));
        source.Change("Rpc:Server:CallLog:SlowerThan", "00:00:00");
        Assert.Equal(4, await CallAsync());
        source.Change("Rpc:Server:CallLog:SlowerThan", "00:00:01");
        Assert.Equal(1, await CallAsync());
        source.Change("Rpc:Server:CallLog:MaxPerSecond", "3"); // the manual clock stands still, and this second has had three
        Assert.Equal(0, await CallAsync());
        source.Change("Rpc:Server:CallLog:MaxPerSecond", "0");
        Assert.Single(server.Logs.Ours, line => line.Id == 93 && line.Message.Contains("CallLog.MaxPerSecond is 0", StringComparison.Ordinal));
        source.Change("Rpc:Server:CallLog:MaxPerSecond", "5");
        source.Change("Rpc:Server:CallLog:Errors", "false");
        source.Change("Rpc:Server:CallLog:SlowerThan", null);
        Assert.Equal((0, false), (await CallAsync(), observer.IsOn));
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id == 94);
    }

    [Fact]
    public async Task Start_OptionsOutOfRange_FailsWithTheirNames()
    {
        OptionsValidationException failed = await Assert.ThrowsAsync<OptionsValidationException>(() => StartAsync(options =>
        {
            options.SlowerThan = TimeSpan.FromTicks(-1);
            options.MaxPerSecond = 0;
        }));

        Assert.Contains("CallLog.SlowerThan", failed.Message, StringComparison.Ordinal);
        Assert.Contains("CallLog.MaxPerSecond is 0", failed.Message, StringComparison.Ordinal);
    }

    private static async Task FailAsync(RpcConnection connection, RpcMethod<HelloRequest, HelloReply> method, string msg) =>
        await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(method, new HelloRequest { Msg = msg }).AsTask().InTime());

    private static Task<TestServer> StartAsync(Action<RpcCallLogOptions> configure, TimeProvider? time = null, Action<HelloRequest>? handler = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => configure(options.CallLog),
            Services = services => services.AddSingleton(time ?? TimeProvider.System),
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) =>
            {
                handler?.Invoke(request);
                return new HelloReply();
            }),
        });
}
