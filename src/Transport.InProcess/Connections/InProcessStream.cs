using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One side of a connection as a stream. It may be disposed of while a read or a write waits, as HTTP clients do: that one is
/// woken, and whoever is the last to leave ends the connection, so that nobody looks at memory that was given back.
/// </summary>
internal sealed class InProcessStream(ConnectionContext connection) : Stream
{
    private readonly PipeReader _input = connection.Transport.Input;
    private readonly PipeWriter _output = connection.Transport.Output;

    private volatile bool _disposed;
    private bool _isOutputOver; // writer only
    private int _users = 1; // the owner until it disposes, a read and a write under way

    public override bool CanRead => !_disposed;

    public override bool CanSeek => false;

    public override bool CanWrite => !_disposed;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads what is there, or waits for it; 0 at the end. With an empty buffer it only waits.</summary>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            while (true)
            {
                ReadResult read = await _input.ReadAsync(cancellationToken).ConfigureAwait(false);
                bool isOver = !read.Buffer.IsEmpty || read.IsCompleted;
                int count = (int)Math.Min(read.Buffer.Length, buffer.Length);
                ReadOnlySequence<byte> taken = read.Buffer.Slice(0, count);
                taken.CopyTo(buffer.Span);
                _input.AdvanceTo(taken.End); // from here on the buffer is not ours
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (isOver)
                {
                    return count;
                }
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Writes and hands over; waits while the other side has enough to read.</summary>
    /// <remarks>
    /// As with a socket, the write that meets the end succeeds: the other side may have read all of it before it left. The next fails.
    /// </remarks>
    /// <exception cref="IOException">The other side reads no more.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Enter();
        try
        {
            if (_isOutputOver)
            {
                throw new IOException("The other side of the connection reads no more.");
            }

            FlushResult flush = await _output.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            ObjectDisposedException.ThrowIf(_disposed, this);
            _isOutputOver = flush.IsCompleted;
        }
        finally
        {
            Leave();
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    // Every write is handed over at once.
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Blocks the thread until there are bytes, or the end.</summary>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    /// <summary>Blocks the thread while the other side has enough to read.</summary>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
        // Every write is handed over at once.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            _input.CancelPendingRead();
            _output.CancelPendingFlush();
            Leave();
        }

        base.Dispose(disposing);
    }

    private void Enter()
    {
        Interlocked.Increment(ref _users);
        if (_disposed)
        {
            Leave();
            ObjectDisposedException.ThrowIf(_disposed, this);
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            // Both pipes are completed when this returns. What it completes with, callbacks of the closed token, is nobody's here.
            _ = connection.DisposeAsync().AsTask();
        }
    }
}
