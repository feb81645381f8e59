using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>
/// The echo loop over the connections of a transport's own <see cref="IConnectionFactory"/>, inline on one event loop: what a client on that
/// transport costs. It does for a message what the server's echo handler does, and checks the reply besides.
/// </summary>
internal sealed class DialLoop : ILoadLoop
{
    private readonly IConnectionFactory _factory;
    private readonly EchoExchange[] _exchanges;
    private readonly List<ConnectionContext> _connections = [];

    /// <summary>Of the phase that is under way: the event loop records, <see cref="RunUntil"/> changes it.</summary>
    private volatile Tally _tally = new();

    /// <summary>Ends with the first connection that does.</summary>
    private Task _ended = Task.CompletedTask;

    public DialLoop(TransportKind transport, int connections)
    {
        _factory = transport switch
        {
            TransportKind.IoUring => new IoUringConnectionFactory(new IoUringTransportOptions
            {
                LoopCount = 1,
                ApplicationScheduling = ApplicationScheduling.Inline,
                Fallback = IoUringFallback.Fail,
            }),
            TransportKind.Epoll => new EpollConnectionFactory(new EpollTransportOptions
            {
                LoopCount = 1,
                ApplicationScheduling = ApplicationScheduling.Inline,
            }),
            _ => throw new ArgumentOutOfRangeException(nameof(transport)),
        };
        _exchanges = [.. Enumerable.Range(0, connections).Select(connection => new EchoExchange(connection))];
    }

    public void Start(int port) => StartAsync(new IPEndPoint(IPAddress.Loopback, port)).GetAwaiter().GetResult();

    public void RunUntil(long end, Tally tally)
    {
        _tally = tally;
        TimeSpan left = TimeSpan.FromSeconds(Math.Max(0, end - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
        if (Task.WaitAny([_ended], left) == 0)
        {
            _ended.GetAwaiter().GetResult(); // throws what was wrong
            throw new LoadException("the server closed a connection");
        }

        // The loop goes on; what it counts from here on belongs to nobody.
        _tally = new Tally();
    }

    public void Dispose()
    {
        _connections.ForEach(connection => connection.Abort());
        ((IAsyncDisposable)_factory).DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task StartAsync(IPEndPoint server)
    {
        foreach (EchoExchange _ in _exchanges)
        {
            _connections.Add(await _factory.ConnectAsync(server));
        }

        _ended = Task.WhenAny(_connections.Zip(_exchanges, RunAsync).ToArray()).Unwrap();
    }

    private async Task RunAsync(ConnectionContext connection, EchoExchange exchange)
    {
        PipeReader input = connection.Transport.Input;
        PipeWriter output = connection.Transport.Output;
        output.Advance(exchange.Begin(output.GetSpan(exchange.MaximumOutput), Stopwatch.GetTimestamp()));
        await output.FlushAsync();
        while (true)
        {
            ReadResult read = await input.ReadAsync();
            if (read.IsCompleted)
            {
                return;
            }

            int taken = Advance(read.Buffer, output, exchange, out int written);
            input.AdvanceTo(read.Buffer.GetPosition(taken), read.Buffer.End);
            if (written > 0)
            {
                await output.FlushAsync();
            }
        }
    }

    private int Advance(in ReadOnlySequence<byte> buffer, PipeWriter output, EchoExchange exchange, out int written)
    {
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        int taken = exchange.Advance(bytes, output.GetSpan(exchange.MaximumOutput), Stopwatch.GetTimestamp(), _tally, out written);
        output.Advance(written);
        return taken;
    }
}
