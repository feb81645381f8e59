namespace Kestrel.Rpc.Transport;

/// <summary>
/// Empty block objects (not their memory) that one loop's connections share, so that a silent connection keeps none. Any thread.
/// </summary>
internal sealed class PipeBlockCache
{
    // Two responses of 1 MiB in blocks of 4 KiB, about 45 KB of objects.
    private const int Capacity = 512;

    // Held for some nanoseconds: who does not get it soon does without the cache rather than wait for a thread that lost its processor.
    private const int MaxAttempts = 16;

    private PipeBlock? _first;
    private int _count;
    private int _taken; // 1 while a thread is in here

    public PipeBlock Rent()
    {
        if (!TryEnter())
        {
            return new PipeBlock();
        }

        PipeBlock? block = _first;
        if (block is not null)
        {
            _first = block.NextBlock;
            _count--;
        }

        Exit();
        if (block is null)
        {
            return new PipeBlock();
        }

        block.Unlink();
        return block;
    }

    /// <summary>Takes an empty block back; a full cache leaves it to the garbage collector.</summary>
    public void Return(PipeBlock block)
    {
        if (!TryEnter())
        {
            return;
        }

        if (_count < Capacity)
        {
            block.Link(_first);
            _first = block;
            _count++;
        }

        Exit();
    }

    private bool TryEnter()
    {
        for (int i = 0; i < MaxAttempts; i++)
        {
            if (Volatile.Read(ref _taken) == 0 && Interlocked.Exchange(ref _taken, 1) == 0)
            {
                return true;
            }

            Thread.SpinWait(4);
        }

        return false;
    }

    private void Exit() => Volatile.Write(ref _taken, 0);
}
