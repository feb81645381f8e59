using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Protocol.Tests.Sending;

/// <summary>An output of numbers that notes whoever writes it during a flush or beside another writer.</summary>
internal sealed class StrictOutput(Func<ValueTask<FlushResult>> flush) : PipeWriter
{
    private readonly ArrayBufferWriter<byte> _written = new();
    private readonly List<int[]> _flushes = [];
    private int _users;

    /// <summary>The first misuse seen.</summary>
    public string? Misuse { get; private set; }

    /// <summary>The numbers that each flush carried.</summary>
    public IReadOnlyList<int[]> Flushes => _flushes;

    public IEnumerable<int> Numbers => _flushes.SelectMany(numbers => numbers);

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Enter();
        Memory<byte> memory = _written.GetMemory(sizeHint);
        Leave();
        return memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        Enter();
        _written.Advance(bytes);
        Leave();
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        Enter();
        _flushes.Add([.. _written.WrittenSpan.ToArray().Chunk(sizeof(int)).Select(bytes => BinaryPrimitives.ReadInt32LittleEndian(bytes))]);
        _written.ResetWrittenCount();
        try
        {
            return await flush();
        }
        finally
        {
            Leave();
        }
    }

    public override void CancelPendingFlush() => throw new NotSupportedException();

    public override void Complete(Exception? exception = null)
    {
    }

    private void Enter()
    {
        if (Interlocked.Increment(ref _users) != 1)
        {
            Misuse ??= $"Used while a flush was pending or by another thread: {Environment.StackTrace}";
        }
    }

    private void Leave() => Interlocked.Decrement(ref _users);
}
