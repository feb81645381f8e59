using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>An echo server straight on a transport factory, without Kestrel, for white-box tests of an engine.</summary>
internal sealed class TestTransport : IMemoryPoolFactory<byte>, ILoggerFactory, ILogger, IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TransportFactory _factory;
    private readonly List<Task> _echoes = [];
    private IConnectionListener? _listener;
    private Task? _accepting;

    public TestTransport(EpollTransportOptions options, TimeProvider? timeProvider = null, TransportMeter? meter = null) =>
        _factory = new EpollTransportFactory(Options.Create(options), this, this, timeProvider, meter);

    public TestTransport(IoUringTransportOptions options, TimeProvider? timeProvider = null, TransportMeter? meter = null) =>
        _factory = new IoUringTransportFactory(Options.Create(options), this, this, timeProvider, meter);

    public TestTransport(BlockingTransportOptions options, TimeProvider? timeProvider = null, TransportMeter? meter = null) =>
        _factory = new BlockingTransportFactory(Options.Create(options), this, this, timeProvider, meter);

    public ConcurrentQueue<(LogLevel Level, int Id, string Text)> Log { get; } = new();

    /// <summary>Whether the log throws instead of taking anything.</summary>
    public bool LogFails { get; set; }

    /// <summary>Whether the log throws already when it is asked whether it wants a line.</summary>
    public bool LogFilterFails { get; set; }

    /// <summary>The events of the lines that the log threw at.</summary>
    public ConcurrentQueue<int> LostEvents { get; } = new();

    /// <summary>What connections take their blocks from; to be set before the start.</summary>
    public MemoryPool<byte> Pool { get; init; } = MemoryPool<byte>.Shared;

    /// <summary>What was accepted so far.</summary>
    public ConcurrentQueue<ConnectionContext> Connections { get; } = new();

    public IReadOnlyList<EventLoop> Loops => _factory.Loops!.Loops;

    public IEnumerable<int> ConnectionsPerLoop => _factory.Loops!.Loops.Select(loop => loop.ConnectionCount);

    public EndPoint EndPoint => _listener!.EndPoint;

    public async Task<TestTransport> StartAsync(EndPoint? endPoint = null)
    {
        _listener = await _factory.BindAsync(endPoint ?? new IPEndPoint(IPAddress.Loopback, 0));
        _accepting = AcceptAsync();
        return this;
    }

    public async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(EndPoint).WaitAsync(Limit);
        return socket;
    }

    /// <summary>Sends <paramref name="length"/> random bytes while it checks that the same come back.</summary>
    public async Task EchoAsync(int length)
    {
        using Socket socket = await ConnectAsync();
        byte[] sent = new byte[length];
        Random.Shared.NextBytes(sent);
        byte[] received = new byte[length];
        Task sending = Task.Run(async () =>
        {
            for (int at = 0; at < length;)
            {
                at += await socket.SendAsync(sent.AsMemory(at));
            }
        });
        for (int at = 0; at < length;)
        {
            int read = await socket.ReceiveAsync(received.AsMemory(at)).AsTask().WaitAsync(Limit);
            Assert.NotEqual(0, read);
            at += read;
        }

        await sending.WaitAsync(Limit);
        Assert.Equal(sent, received);
    }

    public async ValueTask DisposeAsync()
    {
        if (_listener is not null)
        {
            await _listener.UnbindAsync().AsTask().WaitAsync(Limit);
            await _accepting!.WaitAsync(Limit);
            await Task.WhenAll(_echoes).WaitAsync(Limit);
            await _listener.DisposeAsync().AsTask().WaitAsync(Limit);
        }

        _factory.Dispose();
    }

    MemoryPool<byte> IMemoryPoolFactory<byte>.Create(MemoryPoolOptions? options) => Pool;

    ILogger ILoggerFactory.CreateLogger(string categoryName) => this;

    void ILoggerFactory.AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => LogFilterFails ? throw new IOException("No filter.") : true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (LogFails)
        {
            LostEvents.Enqueue(eventId.Id);
            throw new IOException("No space left.");
        }

        Log.Enqueue((logLevel, eventId.Id, formatter(state, exception)));
    }

    void IDisposable.Dispose()
    {
    }

    private async Task AcceptAsync()
    {
        while (await _listener!.AcceptAsync() is { } connection)
        {
            Connections.Enqueue(connection);
            _echoes.Add(EchoAsync(connection));
        }
    }

    private static async Task EchoAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        PipeWriter output = connection.Transport.Output;
        try
        {
            while (await input.ReadAsync() is { } read && !(read.IsCompleted && read.Buffer.IsEmpty))
            {
                foreach (ReadOnlyMemory<byte> part in read.Buffer)
                {
                    output.Write(part.Span);
                }

                input.AdvanceTo(read.Buffer.End);
                await output.FlushAsync();
            }
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException or NoMemoryException)
        {
            // A client that leaves hard, an abort, or what a test lets fail.
        }

        await connection.DisposeAsync();
    }
}
