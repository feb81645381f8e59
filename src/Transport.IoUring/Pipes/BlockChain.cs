using System.Buffers;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The blocks of one direction of a connection: a writer fills the last one, a reader empties the first ones. It locks nothing
/// itself. What the writer does within the block it has is the writer's alone; everything else happens under the owner's lock.
/// </summary>
internal struct BlockChain
{
    private readonly PipeBlockPool _pool;
    private readonly object _owner;

    private PipeBlock? _head; // the reader's first block
    private int _headIndex;
    private PipeBlock? _tail; // the last committed byte
    private int _tailIndex;

    private long _examined; // how far the reader has looked, counted as RunningIndex counts

    private PipeBlock? _writing; // the writer's block: the tail, or one behind it
    private Memory<byte> _free; // what is left of it
    private int _written; // bytes of it that its End does not tell yet
    private bool _isWriting; // the writer holds memory of _writing: it must not be given back

    /// <param name="pool">Gives the blocks.</param>
    /// <param name="owner">What they are marked with while they are in this chain.</param>
    public BlockChain(PipeBlockPool pool, object owner) => (_pool, _owner) = (pool, owner);

    /// <summary>Bytes written and not committed yet.</summary>
    public long Uncommitted { get; private set; }

    /// <summary>Whether <see cref="Free"/> may be used as it is, without the lock.</summary>
    public readonly bool HasFree(int sizeHint) => _isWriting && !_free.IsEmpty && _free.Length >= sizeHint;

    public readonly Memory<byte> Free => _free;

    /// <summary>The committed bytes that have not been consumed.</summary>
    public readonly ReadOnlySequence<byte> Sequence =>
        _head is null ? default : new ReadOnlySequence<byte>(_head, _headIndex, _tail!, _tailIndex);

    /// <summary>Under the lock: makes <see cref="Free"/> at least <paramref name="sizeHint"/> bytes, and at least one.</summary>
    public void Reserve(int sizeHint)
    {
        _isWriting = true;
        if (_writing is null || _free.IsEmpty || _free.Length < sizeHint)
        {
            Append(_pool.Rent(sizeHint));
        }
    }

    /// <summary>
    /// Under the lock: goes on in <paramref name="block"/>, which the pool gave and whose first bytes have been filled
    /// already: <see cref="Advance"/> must follow.
    /// </summary>
    public void Append(PipeBlock block)
    {
        block.Owner = _owner;
        _isWriting = true;
        if (_writing is null)
        {
            _head = _tail = block;
            _headIndex = _tailIndex = 0;
            _examined = 0;
        }
        else
        {
            _writing.End += _written;
            _written = 0;
            _writing.SetNext(block);
        }

        _writing = block;
        _free = block.Free;
    }

    /// <summary>Notes that the writer has filled the first bytes of <see cref="Free"/>.</summary>
    public void Advance(int bytes)
    {
        _free = _free[bytes..]; // throws if that is more than there is
        Uncommitted += bytes;
        _written += bytes;
    }

    /// <summary>Under the lock: shows the reader what was written; returns how much that is.</summary>
    public long Commit()
    {
        _isWriting = false;
        long committed = Uncommitted;
        if (committed > 0)
        {
            _writing!.End += _written;
            _written = 0;
            _tail = _writing;
            _tailIndex = _writing.End;
            Uncommitted = 0;
        }

        return committed;
    }

    /// <summary>Whether the position is the end of all committed bytes.</summary>
    public readonly bool IsTail(PipeBlock? block, int index) => block == _tail && index == _tailIndex;

    /// <summary>
    /// Under the lock: whether there is such a position among the blocks. One of an earlier read may lie in a block that serves
    /// another connection by now.
    /// </summary>
    public readonly bool Contains(PipeBlock block, int index) => block.Owner == _owner && index <= block.End;

    /// <summary>Under the lock: says how far the reader has looked; returns by how many bytes that is further than before, or less.</summary>
    public long Examine(PipeBlock block, int index)
    {
        if (_head is null)
        {
            return 0;
        }

        long position = block.RunningIndex + index;
        long bytes = position - _examined;
        _examined = position;
        return bytes;
    }

    /// <summary>Under the lock: gives back everything before the position.</summary>
    /// <exception cref="InvalidOperationException">There is nothing that the position could lie in.</exception>
    public void Consume(PipeBlock block, int index)
    {
        PipeBlock? returned = _head ?? throw new InvalidOperationException("The pipe is empty: there is nothing to advance in.");
        PipeBlock? end = block;
        _head = block;
        _headIndex = index;

        // A block that is consumed to its end goes too, unless the writer is still at work in it.
        if (index == block.End && (block != _writing || (_written == 0 && !_isWriting)))
        {
            end = block.NextBlock;
            if (block == _writing)
            {
                _writing = null;
                _free = default;
            }

            if (block == _tail)
            {
                _tail = end;
                _tailIndex = 0;
            }

            _head = end;
            _headIndex = 0;
        }

        while (returned != end)
        {
            PipeBlock next = returned!;
            returned = next.NextBlock;
            _pool.Return(next);
        }
    }

    /// <summary>Under the lock, when neither side goes on: gives everything back.</summary>
    public void Release()
    {
        for (PipeBlock? block = _head ?? _tail; block is not null;)
        {
            PipeBlock returned = block;
            block = block.NextBlock;
            _pool.Return(returned);
        }

        _head = _tail = _writing = null;
        _free = default;
        _written = 0;
        Uncommitted = 0;
    }
}
