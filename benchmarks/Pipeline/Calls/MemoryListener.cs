using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Pipeline.Calls;

/// <summary>A transport of two pipes whose ends run each other in place: what is written is served before the write returns, on the same thread.</summary>
internal sealed class MemoryListener : IConnectionListenerFactory, IConnectionListener
{
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateBounded<ConnectionContext>(1);

    public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 1);

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        EndPoint = endpoint;
        return new ValueTask<IConnectionListener>(this);
    }

    /// <summary>Connects.</summary>
    /// <returns>The client's end.</returns>
    public async Task<IDuplexPipe> ConnectAsync()
    {
        PipeOptions options = new(
            readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false);
        DuplexPipe.DuplexPipePair pair = DuplexPipe.Create(options);
        await _accepted.Writer.WriteAsync(new DefaultConnectionContext("memory", pair.Server, pair.Server) { LocalEndPoint = EndPoint });
        return pair.Client;
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _accepted.Reader.WaitToReadAsync(cancellationToken) && _accepted.Reader.TryRead(out ConnectionContext? connection) ? connection : null;

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _accepted.Writer.TryComplete();
        return default;
    }

    public ValueTask DisposeAsync() => UnbindAsync();

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;

        public static DuplexPipePair Create(PipeOptions options)
        {
            Pipe up = new(options);
            Pipe down = new(options);
            return new DuplexPipePair(new DuplexPipe(down.Reader, up.Writer), new DuplexPipe(up.Reader, down.Writer));
        }

        public readonly record struct DuplexPipePair(IDuplexPipe Client, IDuplexPipe Server);
    }
}
