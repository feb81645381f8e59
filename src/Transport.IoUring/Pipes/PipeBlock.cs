using System.Buffers;
using System.Diagnostics;

namespace Kestrel.Rpc.Transport;

/// <summary>One block of a connection's buffer, in the chain that a <see cref="ReadOnlySequence{T}"/> walks.</summary>
internal sealed class PipeBlock : ReadOnlySequenceSegment<byte>
{
    private IMemoryOwner<byte>? _owner;
    private byte[]? _array; // from the shared array pool, for a request larger than the memory pool's blocks
    private Memory<byte> _available;
    private int _end;

    /// <summary>The bytes written so far; grows while the block is the last one.</summary>
    public int End
    {
        get => _end;
        set
        {
            Debug.Assert(value >= _end && value <= _available.Length, "Only ever grows.");
            _end = value;
            Memory = _available[..value];
        }
    }

    public int Capacity => _available.Length;

    /// <summary>Whose chain it is in; <see langword="null"/>: nobody's.</summary>
    public object? Owner { get; set; }

    /// <summary>Whether its memory is the memory pool's.</summary>
    public bool IsOfMemoryPool => _owner is not null;

    /// <summary>Where the next byte goes.</summary>
    public Memory<byte> Free => _available[_end..];

    public PipeBlock? NextBlock => (PipeBlock?)Next;

    public void Take(IMemoryOwner<byte> owner)
    {
        _owner = owner;
        _available = owner.Memory;
    }

    public void Take(byte[] array)
    {
        _array = array;
        _available = array;
    }

    public void SetNext(PipeBlock next)
    {
        Next = next;
        next.RunningIndex = RunningIndex + End;
    }

    /// <summary>Chains empty blocks in their cache.</summary>
    public void Link(PipeBlock? next) => Next = next;

    public void Unlink() => Next = null;

    /// <summary>Forgets what was written and keeps the memory.</summary>
    public void Clear()
    {
        Overwrite();
        Owner = null;
        _end = 0;
        Memory = default;
        Next = null;
        RunningIndex = 0;
    }

    /// <summary>Gives the memory back; the object can be used again.</summary>
    public void Reset()
    {
        _owner?.Dispose();
        if (_array is not null)
        {
            ArrayPool<byte>.Shared.Return(_array);
        }

        _owner = null;
        _array = null;
        _available = default;
        Clear();
    }

    // Whoever uses the memory after its return shall read what nobody has sent.
    [Conditional("DEBUG")]
    private void Overwrite() => _available.Span.Fill(0xDD);
}
