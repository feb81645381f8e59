using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.Client;

/// <summary>
/// The closed loop over the connections of a transport's own <see cref="IConnectionFactory"/>, inline on one event loop: what a
/// client on that transport costs.
/// </summary>
internal sealed class FactoryClient : ILoadLoop
{
    private readonly IConnectionFactory _factory;
    private readonly Exchange[] _exchanges;
    private readonly Tally _tally; // of one event loop, so of one thread
    private readonly List<ConnectionContext> _connections = [];
    private Task _ended = Task.CompletedTask;

    public FactoryClient(TransportKind transport, IEnumerable<Exchange> exchanges, Tally tally)
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
            _ => throw new LoadException("only epoll and io_uring connect with a factory of their own"),
        };
        _exchanges = [.. exchanges];
        _tally = tally;
    }

    public void Start(int port) => StartAsync(new IPEndPoint(IPAddress.Loopback, port)).GetAwaiter().GetResult();

    public void RunUntil(long end)
    {
        TimeSpan left = TimeSpan.FromSeconds(Math.Max(0, end - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
        if (_ended.Wait(left))
        {
            throw new LoadException("the server closed a connection");
        }
    }

    public void Dispose()
    {
        _connections.ForEach(connection => connection.Abort());
        ((IAsyncDisposable)_factory).DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private async Task StartAsync(IPEndPoint server)
    {
        foreach (Exchange _ in _exchanges)
        {
            _connections.Add(await _factory.ConnectAsync(server));
        }

        _ended = Task.WhenAny(_connections.Zip(_exchanges, RunAsync).ToArray()).Unwrap();
    }

    private async Task RunAsync(ConnectionContext connection, Exchange exchange)
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

    private int Advance(in ReadOnlySequence<byte> buffer, PipeWriter output, Exchange exchange, out int written)
    {
        ReadOnlySpan<byte> bytes = buffer.IsSingleSegment ? buffer.FirstSpan : buffer.ToArray();
        int taken = exchange.Advance(bytes, output.GetSpan(exchange.MaximumOutput), Stopwatch.GetTimestamp(), _tally, out written);
        output.Advance(written);
        return taken;
    }
}
