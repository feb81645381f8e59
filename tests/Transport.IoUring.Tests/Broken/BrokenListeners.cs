using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Ends its connections together with the listening.</summary>
internal sealed class UnbindKillsConnections(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override IConnectionListener Wrap(IConnectionListener listener, EndPoint asked)
    {
        var connections = new ConcurrentQueue<ConnectionContext>();
        return new Listener(listener, connections);
    }

    private sealed class Listener(IConnectionListener inner, ConcurrentQueue<ConnectionContext> connections)
        : BrokenListener(inner, connections.Enqueue)
    {
        public override async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await base.UnbindAsync(cancellationToken);
            foreach (ConnectionContext connection in connections)
            {
                connection.Abort();
            }
        }
    }
}

/// <summary>Looks at the port alone.</summary>
internal sealed class IgnoresTheAddress(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override EndPoint Asked(EndPoint endPoint) => new IPEndPoint(IPAddress.Any, ((IPEndPoint)endPoint).Port);

    protected override IConnectionListener Wrap(IConnectionListener listener, EndPoint asked) => new Listener(listener, (IPEndPoint)asked);

    private sealed class Listener(IConnectionListener inner, IPEndPoint asked) : BrokenListener(inner, _ => { })
    {
        public override EndPoint EndPoint => new IPEndPoint(asked.Address, ((IPEndPoint)base.EndPoint).Port);
    }
}

/// <summary>Does not know who its peers are.</summary>
internal sealed class HasNoRemoteEndPoint(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override void OnAccepted(ConnectionContext connection) => connection.RemoteEndPoint = null;
}

/// <summary>Accepts ahead into a queue of eight, and drops what does not fit.</summary>
internal sealed class DropsWhenTheQueueIsFull(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override IConnectionListener Wrap(IConnectionListener listener, EndPoint asked) => new Listener(listener);

    private sealed class Listener : BrokenListener
    {
        private readonly Channel<ConnectionContext> _queue = Channel.CreateBounded<ConnectionContext>(8);

        public Listener(IConnectionListener inner)
            : base(inner, _ => { })
        {
            _ = Task.Run(AcceptAheadAsync);
        }

        public override async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
            await _queue.Reader.WaitToReadAsync(cancellationToken) && _queue.Reader.TryRead(out ConnectionContext? connection) ? connection : null;

        private async Task AcceptAheadAsync()
        {
            while (await base.AcceptAsync() is { } connection)
            {
                if (!_queue.Writer.TryWrite(connection))
                {
                    await connection.DisposeAsync();
                }
            }

            _queue.Writer.Complete();
        }
    }
}

/// <summary>Looks every millisecond whether another thread has something for it.</summary>
internal sealed class PollsForFlushes(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override IConnectionListener Wrap(IConnectionListener listener, EndPoint asked) => new Listener(listener);

    private sealed class Listener : BrokenListener
    {
        private readonly ManualResetEvent _stop = new(false);

        public Listener(IConnectionListener inner)
            : base(inner, _ => { })
        {
            new Thread(Poll) { IsBackground = true, Name = "poller" }.Start();
        }

        public override ValueTask DisposeAsync()
        {
            _stop.Set();
            return base.DisposeAsync();
        }

        private void Poll()
        {
            while (!_stop.WaitOne(millisecondsTimeout: 1))
            {
                // Nothing ever comes.
            }
        }
    }
}

/// <summary>Takes half a gibibyte for buffers before anybody connects.</summary>
internal sealed unsafe class MapsHugeSlabs(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    private const nuint Slab = 512 * 1024 * 1024;

    protected override IConnectionListener Wrap(IConnectionListener listener, EndPoint asked) =>
        new Listener(listener, (nint)NativeMemory.Alloc(Slab));

    private sealed class Listener(IConnectionListener inner, nint slab) : BrokenListener(inner, _ => { })
    {
        public override ValueTask DisposeAsync()
        {
            NativeMemory.Free((void*)slab);
            return base.DisposeAsync();
        }
    }
}

/// <summary>A wrapper without a defect, to show that wrapping alone breaks nothing.</summary>
internal sealed class WrapsAndBreaksNothing(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(new BrokenReader(connection.Transport.Input), new BrokenWriter(connection.Transport.Output));
}
