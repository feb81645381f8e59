using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Bytes that belonged to a closed connection are delivered to the one that got its descriptor.</summary>
internal sealed class RoutesByDescriptor(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    private readonly ConcurrentDictionary<nint, byte[]> _late = new();

    protected override void OnAccepted(ConnectionContext connection)
    {
        nint descriptor = connection.Features.Get<IConnectionSocketFeature>()!.Socket.Handle;
        BrokenPump.ReplaceInput(connection, async (source, target) =>
        {
            if (_late.TryRemove(descriptor, out byte[]? late))
            {
                await target.WriteAsync(late);
            }

            while (true)
            {
                ReadResult result = await source.ReadAsync();
                _late[descriptor] = result.Buffer.ToArray();
                await target.WriteAsync(_late[descriptor]);
                source.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    break;
                }
            }

            await target.CompleteAsync();
        });
    }
}

/// <summary>A connection for which no shared buffer is left is never read again.</summary>
internal sealed class StallsWithoutBuffers(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    private const int Buffers = 32;

    private int _inUse;

    protected override void OnAccepted(ConnectionContext connection) => BrokenPump.ReplaceInput(connection, async (source, target) =>
    {
        while (true)
        {
            ReadResult result = await source.ReadAsync();
            if (Interlocked.Increment(ref _inUse) > Buffers)
            {
                return;
            }

            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
            {
                target.Write(segment.Span);
            }

            source.AdvanceTo(result.Buffer.End);
            await target.FlushAsync();
            Interlocked.Decrement(ref _inUse);
            if (result.IsCompleted)
            {
                await target.CompleteAsync();
                return;
            }
        }
    });
}

/// <summary>An interrupted system call ends its loop.</summary>
internal sealed class DiesOfSignals : BrokenTransport, IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private volatile bool _dead;

    public DiesOfSignals(IConnectionListenerFactory inner)
        : base(inner)
    {
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _dead = true);
    }

    public void Dispose() => _registration.Dispose();

    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(new Reader(this, connection.Transport.Input), connection.Transport.Output);

    private sealed class Reader(DiesOfSignals transport, PipeReader inner) : BrokenReader(inner)
    {
        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            transport._dead ? new(new TaskCompletionSource<ReadResult>().Task) : base.ReadAsync(cancellationToken);
    }
}

/// <summary>Runs the continuation of every read that is done already inside the call that asked for it.</summary>
internal sealed class RecursesOnCompletion(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(new Reader(connection.Transport.Input), connection.Transport.Output);

    private sealed class Reader(PipeReader inner) : BrokenReader(inner), IValueTaskSource<ReadResult>
    {
        // Deep enough for the check, and far from the end of the stack.
        private const int MaxDepth = 200;

        private ReadResult _result;
        private int _depth;

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            _depth < MaxDepth && TryRead(out _result) ? new(this, token: 0) : base.ReadAsync(cancellationToken);

        public ReadResult GetResult(short token) => _result;

        public ValueTaskSourceStatus GetStatus(short token) => ValueTaskSourceStatus.Pending;

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        {
            _depth++;
            continuation(state);
            _depth--;
        }
    }
}
