using System.Buffers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The message header of one vectored receive in memory that does not move, with blocks of the connection's own, which become
/// part of its input as they are: no byte is copied.
/// </summary>
internal sealed unsafe class ReceiveMessage : IDisposable
{
    /// <summary>64 KiB in blocks of 4 KiB: from there on the copy in the kernel is nearly all of the cost.</summary>
    public const int MaxBlocks = 16;

    private readonly PipeBlock?[] _blocks = new PipeBlock?[MaxBlocks];
    private readonly MemoryHandle[] _pins = new MemoryHandle[MaxBlocks];
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed((nuint)(sizeof(MsgHdr) + (MaxBlocks * sizeof(IoVec))));
    private int _count;

    /// <summary>Bytes of the blocks that the last <see cref="Fill"/> took.</summary>
    public int Capacity { get; private set; }

    public MsgHdr* Header => (MsgHdr*)_memory;

    /// <summary>Takes blocks of <paramref name="input"/> for the kernel to fill.</summary>
    /// <exception cref="Exception">What the user's memory pool threw; then nothing is taken.</exception>
    public void Fill(ConnectionInput input)
    {
        IoVec* vectors = (IoVec*)(_memory + sizeof(MsgHdr));
        Capacity = 0;
        long wanted = input.BytesToPause; // what is received beyond the application's limit would be held for nothing
        try
        {
            while (_count < MaxBlocks && (_count == 0 || Capacity < wanted))
            {
                PipeBlock block = input.RentBlock();
                _blocks[_count] = block;
                _pins[_count] = block.Free.Pin();
                vectors[_count] = new IoVec { Base = (byte*)_pins[_count].Pointer, Length = (nuint)block.Capacity };
                Capacity += block.Capacity;
                _count++;
            }
        }
        catch
        {
            if (_blocks[_count] is { } unpinned)
            {
                _blocks[_count] = null;
                input.Return(unpinned);
            }

            Empty(input, received: 0);
            throw;
        }

        Header->IoVec = vectors;
        Header->IoVecLength = (nuint)_count;
    }

    /// <summary>Gives <paramref name="input"/> the blocks with the bytes that were received, and takes the rest from the kernel.</summary>
    public void Empty(ConnectionInput input, int received)
    {
        for (int i = 0; i < _count; i++)
        {
            PipeBlock block = _blocks[i]!;
            _blocks[i] = null;
            _pins[i].Dispose();
            _pins[i] = default;
            int bytes = Math.Min(received, block.Capacity);
            received -= bytes;
            if (bytes > 0)
            {
                input.Append(block, bytes);
            }
            else
            {
                input.Return(block);
            }
        }

        Debug.Assert(received == 0, "No more than the blocks hold.");
        _count = 0;
    }

    public void Dispose()
    {
        Debug.Assert(_count == 0, "Emptied by its last user.");
        NativeMemory.Free(_memory);
    }
}
