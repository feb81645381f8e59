using System.Net.Sockets;
using Kestrel.Rpc.Transport.Native;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>What fails between an accept and a connection that runs: nothing is left behind, and the listener lives.</summary>
public sealed class ListenerFaultTests
{
    private static readonly TimeSpan LongerThanAnyConnectionWaits = TimeSpan.FromSeconds(11);

    [Fact]
    public async Task Accept_NoMemoryForTheConnection_ResetsItAndGivesItsPlaceBack()
    {
        await using var listener = new ScriptedListener();
        listener.Loop.RefusesSockets = true;
        using Socket refused = await listener.ConnectAsync();
        await AssertResetAsync(refused);
        Assert.Equal((0, 0), (listener.Limit.Count, listener.Loop.ConnectionCount));
        Assert.Equal((0, 1), (listener.Loop.Statistics.Accepted, listener.Loop.Statistics.Rejected));

        listener.Loop.RefusesSockets = false;
        using Socket served = await listener.ConnectAsync();
        Assert.NotNull(await listener.Listener.AcceptAsync().Limited());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_SocketCannotBeRegistered_ConnectionEndsAndTheLoopToo(bool throws)
    {
        await using var listener = new ScriptedListener(logger: new ThrowingLogger());
        listener.Loop.StartSocket = () => throws ? throw new NoMemoryException() : -Errno.ENOMEM;

        using Socket client = await listener.ConnectAsync();

        await AssertResetAsync(client);
        await Eventually.TrueAsync(() => listener.Loop.ConnectionCount == 0 && listener.Limit.Count == 0);
        ConnectionContext? connection = await listener.Listener.AcceptAsync().Limited();
        await Assert.ThrowsAnyAsync<Exception>(() => connection!.Transport.Input.ReadAsync().Limited());
        await connection!.DisposeAsync().Limited();
    }

    [Fact]
    public async Task Retry_QueueFillsMeanwhile_AcceptingStaysPaused()
    {
        await using var listener = new ScriptedListener(backlog: 1);
        listener.HasNoThreads = true;
        var clients = new List<Socket>();
        for (int i = 0; i < 3; i++)
        {
            clients.Add(await listener.ConnectAsync());
        }

        Assert.False(listener.IsAccepting);
        listener.HasNoThreads = false;
        await Eventually.TrueAsync(() => listener.Loop.Statistics.Accepted == 1); // by the timer; then the queue is full
        await listener.Loop.RunAsync(() => Assert.False(listener.IsAccepting));

        for (int i = 0; i < 3; i++)
        {
            ConnectionContext? connection = await listener.Listener.AcceptAsync().Limited();
            Assert.Equal(clients[i].LocalEndPoint, connection!.RemoteEndPoint);
        }

        await Eventually.TrueAsync(() => listener.IsAccepting);
        Assert.Equal(3, listener.Loop.Statistics.Accepted);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Threads_NoneForTooLong_PeerIsResetAndTheListenerLives()
    {
        await using var listener = new ScriptedListener();
        listener.HasNoThreads = true;
        using Socket client = await listener.ConnectAsync();
        int asked = listener.Asked;
        await Eventually.TrueAsync(() => listener.Asked > asked + 2); // it goes on waiting, and asks
        Assert.Equal(0, listener.Loop.Statistics.Rejected);

        listener.Time.Advance(LongerThanAnyConnectionWaits);

        await AssertResetAsync(client);
        Assert.Equal(1, listener.Loop.Statistics.Rejected);
        listener.HasNoThreads = false;
        await Eventually.TrueAsync(() => listener.IsAccepting);
        using Socket served = await listener.ConnectAsync();
        Assert.NotNull(await listener.Listener.AcceptAsync().Limited());
        Assert.Equal(1, listener.Limit.Count);
    }

    [Fact]
    public async Task Accept_TransportHasStopped_ResetsTheConnectionAndIsNoIncident()
    {
        await using var listener = new ScriptedListener();
        listener.HasStopped = true;

        using Socket client = await listener.ConnectAsync();

        await AssertResetAsync(client);
        Assert.Equal((0, 0), (listener.Limit.Count, listener.Loop.ConnectionCount));
        Assert.Equal((1, 0), (listener.Loop.Statistics.Rejected, listener.Loop.Statistics.AcceptPauses));
    }

    [Fact]
    public async Task Loops_Disposed_AreGivenToNobody()
    {
        EventLoopGroup loops = EventLoopGroup.Start(2, _ => new ScriptedLoop());
        loops.GiveBack(loops.TakeLeastLoaded());
        await Task.Run(loops.Dispose).Limited();

        // A loop that disposed them itself goes on for a moment, and may accept.
        Assert.Throws<ObjectDisposedException>(loops.TakeLeastLoaded);
        Assert.Equal([0, 0], loops.Loops.Select(loop => loop.ConnectionCount));
    }

    private static async Task AssertResetAsync(Socket client)
    {
        var error = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveAsync(new byte[1]).Limited());
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    private sealed class ThrowingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new IOException("No space left.");
    }
}
