namespace Kestrel.Rpc.Protocol;

/// <summary>Metadata as fields of a frame header. The bytes of such a field: varint key length, key, value.</summary>
internal static class RpcMetadataCodec
{
    /// <summary>Reads the entries among fields that <see cref="RpcReceivedHeader"/> has accepted. Checks both limits before it allocates.</summary>
    public static RpcMetadataError Read(
        ReadOnlySpan<byte> fields,
        int number,
        bool isThere,
        RpcMetadataLimits limits,
        out RpcMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(limits);
        metadata = RpcMetadata.Empty;
        if (!isThere)
        {
            return RpcMetadataError.None;
        }

        RpcMetadataError error = Measure(fields, number, limits, out int count);
        if (error != RpcMetadataError.None)
        {
            return error;
        }

        RpcMetadata read = RpcMetadata.Received(count);
        while (TryNext(ref fields, number, out ReadOnlySpan<byte> bytes))
        {
            // Measure has split each of them once.
            TrySplit(bytes, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value);
            error = RpcMetadataEntry.Read(key, value, out RpcMetadataEntry entry);
            if (error != RpcMetadataError.None)
            {
                return error;
            }

            read.Append(entry);
        }

        metadata = read;
        return RpcMetadataError.None;
    }

    /// <summary>Bytes that metadata takes as fields.</summary>
    public static int LengthOf(RpcMetadata? metadata, int number)
    {
        long length = 0;
        for (int i = 0; i < (metadata?.Count ?? 0); i++)
        {
            length += RpcFields.LengthOfBytes(number, LengthOf(metadata![i]));
        }

        return checked((int)length);
    }

    /// <summary>Writes metadata as fields.</summary>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, RpcMetadata? metadata, int number)
    {
        int length = 0;
        for (int i = 0; i < (metadata?.Count ?? 0); i++)
        {
            RpcMetadataEntry entry = metadata![i];
            length += RpcFields.WriteBytesKey(destination[length..], number, LengthOf(entry));
            length += RpcVarint.Write(destination[length..], (uint)entry.Key.Length);
            length += System.Text.Encoding.ASCII.GetBytes(entry.Key, destination[length..]);
            entry.WireValue.CopyTo(destination[length..]);
            length += entry.WireValue.Length;
        }

        return length;
    }

    private static int LengthOf(in RpcMetadataEntry entry) =>
        checked(RpcVarint.LengthOf((uint)entry.Key.Length) + entry.Key.Length + entry.WireValue.Length);

    private static RpcMetadataError Measure(ReadOnlySpan<byte> fields, int number, RpcMetadataLimits limits, out int count)
    {
        count = 0;
        long length = 0;
        while (TryNext(ref fields, number, out ReadOnlySpan<byte> bytes))
        {
            if (!TrySplit(bytes, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value))
            {
                return RpcMetadataError.Malformed;
            }

            length += key.Length + value.Length;
            if (++count > limits.MaxEntries)
            {
                return RpcMetadataError.TooManyEntries;
            }

            if (length > limits.MaxLength)
            {
                return RpcMetadataError.TooLong;
            }
        }

        return RpcMetadataError.None;
    }

    // False at the end of the fields.
    private static bool TryNext(scoped ref ReadOnlySpan<byte> fields, int number, out ReadOnlySpan<byte> bytes)
    {
        while (!fields.IsEmpty && RpcFields.TryRead(ref fields, out ulong found, out _, out _, out bytes))
        {
            if (found == (ulong)number)
            {
                return true;
            }
        }

        bytes = default;
        return false;
    }

    private static bool TrySplit(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        if (!RpcVarint.TryRead(ref bytes, out ulong keyLength) || keyLength > (ulong)bytes.Length)
        {
            key = value = default;
            return false;
        }

        key = bytes[..(int)keyLength];
        value = bytes[(int)keyLength..];
        return true;
    }
}
