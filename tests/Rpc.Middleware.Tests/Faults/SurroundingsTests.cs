using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What the process around the server does to it: no threads, collections, a full disk, a clock that is set.</summary>
public sealed class SurroundingsTests
{
    // More than the pool has at first on any machine that this runs on with few processors; it grows by one or two in a second.
    private static readonly int Blocking = Math.Min(Environment.ProcessorCount + 4, 12);

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task ThreadPool_HandlersBlockItsThreads_OtherCallsAreAnswered(TransportKind transport)
    {
        using ManualResetEventSlim open = new();
        using CountdownEvent running = new(Blocking);
        await using TestServer server = await StartAsync(transport, (HelloRequest request) =>
        {
            running.Signal();
            Assert.True(open.Wait(TimeLimits.Limit));
            return new HelloReply();
        });
        await using RpcConnection connection = await OtherCalls.ConnectAsync(server);
        Task<HelloReply>[] blocked = [.. Enumerable.Range(0, Blocking).Select(_ => connection.CallAsync(OtherCalls.Hello, new HelloRequest()).AsTask())];

        await OtherCalls.ExpectServedAsync(server, connection);
        Assert.DoesNotContain(blocked, call => call.IsCompleted);
        open.Set();

        await Task.WhenAll(blocked).InTime();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task FullCollections_UnderLoad_EveryCallGetsItsReply(TransportKind transport)
    {
        const int Calls = 2000;
        await using TestServer server = await StartAsync(transport, async Task<HelloReply> (HelloRequest request) =>
        {
            await Task.Yield();
            return new HelloReply { Msg = request.Msg };
        });
        await using RpcConnection first = await OtherCalls.ConnectAsync(server, version: 1);
        await using RpcConnection second = await OtherCalls.ConnectAsync(server);
        Task load = Task.WhenAll(Enumerable.Range(0, Calls).Select(async i =>
        {
            RpcConnection connection = i % 2 == 0 ? first : second;
            Assert.Equal($"{i}", (await connection.CallAsync(OtherCalls.Hello, new HelloRequest { Msg = $"{i}" })).Msg);
        }));
        for (int collections = 0; collections < 3 || !load.IsCompleted; collections++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            await Task.Yield();
        }

        await load.InTime();
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Log_DiskIsFull_CallsAreAnsweredAndConnectionsLive(TransportKind transport)
    {
        FullDisk disk = new();
        await using TestServer server = await StartAsync(
            transport,
            (HelloRequest request) => request.Msg == "throw" ? throw new InvalidOperationException("meant") : new HelloReply { Msg = request.Msg },
            services => services.AddSingleton<ILoggerProvider>(disk));
        disk.IsFull = true;
        try
        {
            await using RpcConnection connection = await OtherCalls.ConnectAsync(server);
            await using (RawPeer bad = await server.ConnectAsync())
            {
                await bad.SendAsync(Golden.Header(version: 9, type: 1, 1, 0, 0)); // a bad frame, and its log line
                await bad.ReceiveAsync();
            }

            RpcException failed = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(OtherCalls.Hello, new HelloRequest { Msg = "throw" }).InTime());
            RpcException unknown = await Assert.ThrowsAsync<RpcException>(
                () => connection.CallAsync<HelloRequest, HelloReply>("no", "Such", new HelloRequest()).InTime());

            Assert.Equal("The handler failed.", failed.Message);
            Assert.Equal(RpcStatusCode.Unimplemented, unknown.StatusCode);
            await OtherCalls.ExpectServedAsync(server, connection);
            Assert.True(disk.Refused > 0);
        }
        finally
        {
            disk.IsFull = false; // the host itself logs when it stops
        }
    }

    [Fact]
    public async Task Clock_IsSetByDays_DeadlinesDoNotMove()
    {
        SetClock clock = new();
        Gate gate = new();
        await using TestServer server = await StartAsync(
            TransportKind.Sockets,
            (HelloRequest request, CancellationToken token) => gate.HandleAsync(request, token),
            services => services.AddSingleton<TimeProvider>(clock));
        await using RpcConnection connection = await OtherCalls.ConnectAsync(server);
        Task<HelloReply> patient = connection.CallAsync(
            OtherCalls.Hello, new HelloRequest { Msg = "held" }, new RpcCallOptions { Timeout = TimeSpan.FromMinutes(5) }).AsTask();
        await gate.WaitForStartedAsync(1);

        foreach (int days in new[] { 2, -4, 400 })
        {
            clock.Shift(TimeSpan.FromDays(days));
            RpcException late = await Assert.ThrowsAsync<RpcException>(() => connection.CallAsync(
                OtherCalls.Hello, new HelloRequest { Msg = "held, too" }, new RpcCallOptions { Timeout = TimeSpan.FromMilliseconds(20) }).InTime());
            Assert.Equal(RpcStatusCode.DeadlineExceeded, late.StatusCode);
            await OtherCalls.ExpectServedAsync(server, connection);
        }

        Assert.False(patient.IsCompleted);
        gate.Open();
        Assert.Equal("held", (await patient.InTime()).Msg);
    }

    private static Task<TestServer> StartAsync(TransportKind transport, Delegate handler, Action<IServiceCollection>? services = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Transport = transport,
            Services = services,
            App = app =>
            {
                OtherCalls.Map(app);
                app.MapRpc(Golden.Name, handler);
            },
        });

    private sealed class SetClock : TimeProvider
    {
        private long _shift;

        public void Shift(TimeSpan by) => Interlocked.Add(ref _shift, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _shift));
    }

    /// <summary>A sink whose disk may be full: then every line of the server throws.</summary>
    private sealed class FullDisk : ILoggerProvider, ILogger
    {
        private int _refused;

        public bool IsFull { get; set; }

        public int Refused => Volatile.Read(ref _refused);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // As a sink for production would have it: Kestrel's own lines at these levels tell of defects.
        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsFull && IsEnabled(logLevel))
            {
                Interlocked.Increment(ref _refused);
                throw new IOException("No space left on device");
            }
        }

        public void Dispose()
        {
        }
    }
}
