using System.Buffers;
using System.Runtime.CompilerServices;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>A vectored send that waits for nothing, with everything it needs on the stack: any thread may do one.</summary>
internal static unsafe class DirectSend
{
    // 256 KiB in blocks of 4 KiB, 2.5 KB of stack.
    private const int MaxVectors = 64;

    /// <summary>Sends what the socket takes at once of the first segments: the number of bytes, or a negated error number.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="buffer">The bytes.</param>
    /// <param name="isWhole">Whether the socket took all that it was offered: it may take more.</param>
    public static int TrySend(int descriptor, in ReadOnlySequence<byte> buffer, out bool isWhole)
    {
        IoVec* vectors = stackalloc IoVec[MaxVectors];
        Pins pins = default;
        int count = 0;
        long offered = 0;
        try
        {
            foreach (ReadOnlyMemory<byte> segment in buffer)
            {
                if (count == MaxVectors)
                {
                    break;
                }

                pins[count] = segment.Pin();
                vectors[count] = new IoVec { Base = (byte*)pins[count].Pointer, Length = (nuint)segment.Length };
                offered += segment.Length;
                count++;
            }

            var message = new MsgHdr { IoVec = vectors, IoVecLength = (nuint)count };
            int result = Libc.SendMsg(descriptor, &message, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            isWhole = result == offered;
            return result;
        }
        finally
        {
            for (int i = 0; i < count; i++)
            {
                pins[i].Dispose();
            }
        }
    }

    [InlineArray(MaxVectors)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}
