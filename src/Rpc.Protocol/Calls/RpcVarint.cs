using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Numbers inside a version-2 frame header: unsigned LEB128, as protobuf has them. Seven bits a byte, the lowest first, the top
/// bit set on every byte but the last; at most ten bytes for 64 bits.
/// </summary>
internal static class RpcVarint
{
    public const int MaxLength = 10;

    private const int BitsPerByte = 7;
    private const byte More = 0x80;

    /// <summary>Takes a number off the front. False if the bytes end inside it or it has more than 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ref ReadOnlySpan<byte> source, out ulong value)
    {
        if (!source.IsEmpty && source[0] < More)
        {
            value = source[0];
            source = source[1..];
            return true;
        }

        return TryReadLong(ref source, out value);
    }

    /// <summary>Writes a number.</summary>
    /// <returns>Bytes written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Write(Span<byte> destination, ulong value)
    {
        int length = 0;
        while (value >= More)
        {
            destination[length++] = (byte)(value | More);
            value >>= BitsPerByte;
        }

        destination[length++] = (byte)value;
        return length;
    }

    /// <summary>Bytes that a number takes.</summary>
    public static int LengthOf(ulong value) => ((64 - System.Numerics.BitOperations.LeadingZeroCount(value | 1)) + BitsPerByte - 1) / BitsPerByte;

    private static bool TryReadLong(ref ReadOnlySpan<byte> source, out ulong value)
    {
        value = 0;
        int end = Math.Min(source.Length, MaxLength);
        for (int i = 0; i < end; i++)
        {
            byte next = source[i];

            // The tenth byte has room for one bit.
            if (i == MaxLength - 1 && next > 1)
            {
                break;
            }

            value |= (ulong)(next & ~More) << (BitsPerByte * i);
            if (next < More)
            {
                source = source[(i + 1)..];
                return true;
            }
        }

        value = 0;
        return false;
    }
}
