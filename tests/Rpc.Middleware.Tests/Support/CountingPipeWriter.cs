using System.IO.Pipelines;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>An output that only counts.</summary>
internal sealed class CountingPipeWriter : PipeWriter
{
    private readonly byte[] _memory = new byte[64 * 1024];
    private long _written;
    private long _flushed;

    public long Flushed => Volatile.Read(ref _flushed);

    public override Memory<byte> GetMemory(int sizeHint = 0) => _memory;

    public override Span<byte> GetSpan(int sizeHint = 0) => _memory;

    public override void Advance(int bytes) => _written += bytes;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Volatile.Write(ref _flushed, _written);
        return default;
    }

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
    }
}
