using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Takes the client's FIN for the end of the connection.</summary>
internal sealed class DropsReplyAtHalfClose(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(new Reader(connection, connection.Transport.Input), connection.Transport.Output);

    private sealed class Reader(ConnectionContext connection, PipeReader inner) : BrokenReader(inner)
    {
        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            ReadResult result = await base.ReadAsync(cancellationToken);
            if (result.IsCompleted)
            {
                connection.Abort();
            }

            return result;
        }
    }
}

/// <summary>Its output loop looks at "completed" before it looks at the bytes that came with it.</summary>
internal sealed class DropsTheRestAtCompletion(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    protected override void OnAccepted(ConnectionContext connection) => BrokenPump.ReplaceOutput(connection, async (source, target) =>
    {
        while (true)
        {
            ReadResult result = await source.ReadAsync();
            if (result.IsCompleted)
            {
                break;
            }

            foreach (ReadOnlyMemory<byte> segment in result.Buffer)
            {
                target.Write(segment.Span);
            }

            source.AdvanceTo(result.Buffer.End);
            await target.FlushAsync();
        }

        await target.CompleteAsync();
        await source.CompleteAsync();
    });
}

/// <summary>Now and then nobody hears of a flush.</summary>
internal sealed class LosesWakeUps(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    private int _flushes;

    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(connection.Transport.Input, new Writer(this, connection.Transport.Output));

    private sealed class Writer(LosesWakeUps transport, PipeWriter inner) : BrokenWriter(inner)
    {
        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
            Interlocked.Increment(ref transport._flushes) % 1000 == 0 ? new(new FlushResult(isCanceled: false, isCompleted: false)) : base.FlushAsync(cancellationToken);
    }
}

/// <summary>Sends from slots that all connections share, and gives a slot to the next one before the send is done.</summary>
internal sealed class ReusesSlotsInFlight(IConnectionListenerFactory inner) : BrokenTransport(inner)
{
    private const int Slots = 4;
    private const int MaxPending = 8; // of one connection

    private readonly byte[][] _slots = [.. Enumerable.Range(0, Slots).Select(_ => new byte[256 * 1024])];
    private int _next;

    protected override void OnAccepted(ConnectionContext connection) =>
        connection.Transport = new BrokenDuplexPipe(connection.Transport.Input, new Writer(this, connection.Transport.Output));

    private sealed class Writer(ReusesSlotsInFlight transport, PipeWriter inner) : BrokenWriter(inner)
    {
        private readonly ArrayBufferWriter<byte> _buffer = new();
        private readonly Queue<Task> _pending = new();
        private Task _sending = Task.CompletedTask;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _buffer.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _buffer.GetSpan(sizeHint);

        public override void Advance(int bytes) => _buffer.Advance(bytes);

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            if (_pending.Count == MaxPending)
            {
                await _pending.Dequeue();
            }

            byte[] slot = transport._slots[(uint)Interlocked.Increment(ref transport._next) % Slots];
            int length = _buffer.WrittenCount;
            _buffer.WrittenSpan.CopyTo(slot);
            _buffer.ResetWrittenCount();
            _sending = SendAsync(_sending, slot, length);
            _pending.Enqueue(_sending);
            return new FlushResult(isCanceled: false, isCompleted: false);
        }

        private async Task SendAsync(Task before, byte[] slot, int length)
        {
            await before;
            slot.AsSpan(0, length).CopyTo(base.GetSpan(length));
            base.Advance(length);
            await base.FlushAsync();
        }
    }
}
