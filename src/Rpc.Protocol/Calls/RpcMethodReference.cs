namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How a REQUEST says which method it calls: by an index that an earlier REQUEST of the connection defined, or by name, which may
/// define an index for later ones.
/// </summary>
/// <remarks>On the wire: varint (index &lt;&lt; 1 | defines), and if it defines, a varint length and <c>service/method</c> in UTF-8.</remarks>
public readonly ref struct RpcMethodReference
{
    /// <summary>The longest name, in bytes of UTF-8, the slash included.</summary>
    public const int MaxNameLength = 512;

    /// <summary>The most indices that a table may have, whatever the settings say.</summary>
    public const int MaxIndex = 65_535;

    private const int MaxIndexLength = 3;

    /// <summary>Refers to a method that is defined already.</summary>
    /// <param name="index">Its index, 1 to <see cref="MaxIndex"/>.</param>
    public RpcMethodReference(int index)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, MaxIndex);
        Index = index;
    }

    /// <summary>Names a method.</summary>
    /// <param name="index">The index to define, up to <see cref="MaxIndex"/>; 0 defines nothing.</param>
    /// <param name="name"><c>service/method</c> in UTF-8, 1 to <see cref="MaxNameLength"/> bytes.</param>
    public RpcMethodReference(int index, ReadOnlySpan<byte> name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, MaxIndex);
        ArgumentOutOfRangeException.ThrowIfZero(name.Length, nameof(name));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, MaxNameLength, nameof(name));
        Index = index;
        Name = name;
    }

    /// <summary>The index; 0 if the method is named and nothing is defined.</summary>
    public int Index { get; }

    /// <summary><c>service/method</c> in UTF-8; empty if the reference is by index alone.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Whether the method is named.</summary>
    public bool IsNamed => !Name.IsEmpty;

    /// <summary>Bytes that it takes on the wire, at most.</summary>
    internal int MaxLength => MaxIndexLength + (IsNamed ? RpcVarint.MaxLength + Name.Length : 0);

    /// <summary>Takes a reference off the front. Whether the index is defined is for <see cref="RpcMethodTable{T}"/> to say.</summary>
    internal static RpcHeaderError Read(scoped ref ReadOnlySpan<byte> source, out RpcMethodReference reference)
    {
        reference = default;
        if (!RpcVarint.TryRead(ref source, out ulong key))
        {
            return RpcHeaderError.Malformed;
        }

        ulong index = key >> 1;
        if ((key & 1) == 0)
        {
            if (index is 0 or > MaxIndex)
            {
                return RpcHeaderError.UnknownMethodIndex;
            }

            reference = new RpcMethodReference((int)index);
            return RpcHeaderError.None;
        }

        if (index > MaxIndex)
        {
            return RpcHeaderError.BadMethodIndex;
        }

        if (!RpcVarint.TryRead(ref source, out ulong length))
        {
            return RpcHeaderError.Malformed;
        }

        if (length is 0 or > MaxNameLength)
        {
            return RpcHeaderError.BadMethodName;
        }

        if (length > (ulong)source.Length)
        {
            return RpcHeaderError.Malformed;
        }

        reference = new RpcMethodReference((int)index, source[..(int)length]);
        source = source[(int)length..];
        return RpcHeaderError.None;
    }

    internal int Write(Span<byte> destination)
    {
        if (!IsNamed)
        {
            return RpcVarint.Write(destination, (uint)Index << 1);
        }

        int length = RpcVarint.Write(destination, ((uint)Index << 1) | 1);
        length += RpcVarint.Write(destination[length..], (uint)Name.Length);
        Name.CopyTo(destination[length..]);
        return length + Name.Length;
    }
}
