using System.Buffers;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The message header of one vectored send in memory that does not move, with the pins of the blocks it points to.
/// </summary>
internal sealed unsafe class SendMessage : IDisposable
{
    // 64 blocks of 4 KiB are four times the default write limit of a connection; more simply takes another send.
    private const int MaxVectors = 64;

    private readonly MemoryHandle[] _pins = new MemoryHandle[MaxVectors];
    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed((nuint)(sizeof(MsgHdr) + (MaxVectors * sizeof(IoVec))));
    private int _count;

    public MsgHdr* Header => (MsgHdr*)_memory;

    /// <summary>Pins one piece of memory, which needs no header, until <see cref="Release"/>; returns where it is.</summary>
    public byte* Fill(ReadOnlyMemory<byte> memory)
    {
        _pins[0] = memory.Pin();
        _count = 1;
        return (byte*)_pins[0].Pointer;
    }

    /// <summary>Points the header at the first segments of <paramref name="buffer"/> and pins them until <see cref="Release"/>.</summary>
    public void Fill(in ReadOnlySequence<byte> buffer)
    {
        IoVec* vectors = (IoVec*)(_memory + sizeof(MsgHdr));
        try
        {
            foreach (ReadOnlyMemory<byte> segment in buffer)
            {
                if (_count == MaxVectors)
                {
                    break;
                }

                _pins[_count] = segment.Pin();
                vectors[_count].Base = (byte*)_pins[_count].Pointer;
                vectors[_count].Length = (nuint)segment.Length;
                _count++;
            }
        }
        catch
        {
            Release(); // a memory of the user's own kind that cannot be pinned: nothing of it goes into another send
            throw;
        }

        Header->IoVec = vectors;
        Header->IoVecLength = (nuint)_count;
    }

    public void Release()
    {
        for (int i = 0; i < _count; i++)
        {
            _pins[i].Dispose();
            _pins[i] = default;
        }

        _count = 0;
    }

    public void Dispose()
    {
        Release();
        NativeMemory.Free(_memory);
    }
}
