using Hello;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What the application brings along may fail where a call's failure is reported; the call alone pays for it.</summary>
public sealed class BrokenLoggerTests
{
    [Theory]
    [InlineData(RpcScheduling.ThreadPool, "throw")]
    [InlineData(RpcScheduling.ThreadPool, "late")]
    [InlineData(RpcScheduling.ThreadPool, "null")]
    [InlineData(RpcScheduling.Inline, "throw")]
    [InlineData(RpcScheduling.Inline, "late")]
    [InlineData(RpcScheduling.Inline, "null")]
    public async Task Call_FailsAndTheLogThrows_IsAnsweredAndTheConnectionLives(RpcScheduling scheduling, string msg)
    {
        await using TestServer server = await StartAsync(scheduling);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, msg));
        Assert.Equal("SERVER", (await peer.ReceiveAsync()).Data.ErrorCode);
        await peer.SendAsync(Golden.Call(2, "x", "no/Such"));
        Assert.Equal("SERVER", (await peer.ReceiveAsync()).Data.ErrorCode);
        await peer.SendAsync(Golden.Call(3, "good"));

        Assert.Equal("good", (await peer.ReceiveAsync()).Msg);
    }

    [Fact]
    public async Task Call_FailsWithAnExceptionThatHasNoText_IsAnsweredWithItsType()
    {
        await using TestServer server = await StartAsync(RpcScheduling.ThreadPool, options => options.EnableDetailedErrors = true);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(1, "throw"));

        Assert.Equal(nameof(SpeechlessException), (await peer.ReceiveAsync()).Data.ErrorMessage);
    }

    private static Task<TestServer> StartAsync(RpcScheduling scheduling, Action<RpcServerOptions>? rpc = null) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = rpc,
            Services = services => services.AddSingleton<ILoggerProvider, BrokenLogger>(),
            App = app => app.MapRpc(Golden.Name, async Task<HelloReply?> (HelloRequest request) =>
            {
                switch (request.Msg)
                {
                    case "throw":
                        throw new SpeechlessException();
                    case "late":
                        await Task.Yield();
                        throw new SpeechlessException();
                    case "null":
                        return null;
                    default:
                        return new HelloReply { Msg = request.Msg };
                }
            }).WithScheduling(scheduling),
        });

    private sealed class SpeechlessException : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");
    }

    private sealed class BrokenLogger : ILoggerProvider, ILogger
    {
        // Only ours: Kestrel's own lines are not what this is about.
        private bool _isOurs;

        public ILogger CreateLogger(string categoryName) => new BrokenLogger { _isOurs = categoryName == "Kestrel.Rpc.Server" };

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (_isOurs)
            {
                throw new IOException("No space left on device.");
            }
        }

        public void Dispose()
        {
        }
    }
}
