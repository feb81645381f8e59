using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// What one side of a version-2 connection accepts beyond the defaults. Sent as its first frame or not at all. No value but the last two may be
/// below its default, so a peer that has not seen the settings yet does no wrong. Immutable, so safe to share between threads.
/// </summary>
public sealed record RpcSettings
{
    /// <summary>The default of <see cref="InitialCallCredit"/>: 256 KiB.</summary>
    public const int DefaultCallCredit = 256 * 1024;

    /// <summary>The default of <see cref="ConnectionCredit"/>: 4 MiB.</summary>
    public const int DefaultConnectionCredit = 4 * 1024 * 1024;

    /// <summary>The default of <see cref="MethodTableSize"/>: 256.</summary>
    public const int DefaultMethodTableSize = 256;

    /// <summary>The default of <see cref="MaxMessageLength"/>: 4 MiB.</summary>
    public const int DefaultMaxMessageLength = 4 * 1024 * 1024;

    private const int FieldCount = 6;

    /// <summary>The settings of a side that sends none.</summary>
    public static RpcSettings Default { get; } = new();

    /// <summary>Bytes of credit that each new call has for what the peer sends. Field 1. Default and least 256 KiB.</summary>
    public int InitialCallCredit { get; init => field = AtLeast(value, DefaultCallCredit); } = DefaultCallCredit;

    /// <summary>Bytes of credit that the connection starts with for what the peer sends. Field 2. Default and least 4 MiB.</summary>
    public int ConnectionCredit { get; init => field = AtLeast(value, DefaultConnectionCredit); } = DefaultConnectionCredit;

    /// <summary>The longest frame body accepted, in bytes. Field 3. Default and least 64 KiB; at most <see cref="RpcFrameLimits.Largest"/>.</summary>
    public int MaxFrameBodyLength
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, RpcFrameLimits.Largest);
            field = AtLeast(value, RpcFrameRules.DefaultMaxFrameBodyLength);
        }
    } = RpcFrameRules.DefaultMaxFrameBodyLength;

    /// <summary>The highest index of a method accepted. Field 4. Default and least 256; at most <see cref="RpcMethodReference.MaxIndex"/>.</summary>
    public int MethodTableSize
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, RpcMethodReference.MaxIndex);
            field = AtLeast(value, DefaultMethodTableSize);
        }
    } = DefaultMethodTableSize;

    /// <summary>The most calls at once that the side takes. Field 5. Default: not said. At least 1.</summary>
    public int MaxConcurrentCalls { get; init => field = AtLeast(value, 1); } = int.MaxValue;

    /// <summary>The longest message accepted, in bytes, attachment included. Field 6. Default 4 MiB. A longer one fails its call.</summary>
    public int MaxMessageLength { get; init => field = AtLeast(value, 0); } = DefaultMaxMessageLength;

    /// <summary>Writes a SETTINGS. Its header: fields, each a varint key (number &lt;&lt; 1) and a varint value; what has its default is left out.</summary>
    /// <param name="output">Where it goes. Not flushed.</param>
    /// <returns>Bytes written.</returns>
    public int Write(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        Span<byte> span = output.GetSpan(RpcFrameHeader.Size + (FieldCount * 2 * RpcVarint.MaxLength));
        int length = RpcFrameHeader.Size;
        for (int number = 1; number <= FieldCount; number++)
        {
            int value = Get(number);
            if (value != Default.Get(number))
            {
                length += RpcFields.Write(span[length..], number, (ulong)value);
            }
        }

        new RpcFrameHeader(RpcFrameHeader.Version2, RpcFrameType.Settings, 0, (uint)(length - RpcFrameHeader.Size), 0).Write(span);
        output.Advance(length);
        return length;
    }

    /// <summary>Reads a SETTINGS.</summary>
    /// <param name="header">The frame header.</param>
    /// <param name="settings">The settings; the defaults if they are refused.</param>
    /// <returns>Why they were refused, or none. Never throws, whatever the bytes are.</returns>
    public static RpcHeaderError Read(ReadOnlySpan<byte> header, out RpcSettings settings)
    {
        settings = Default;
        Span<int> values = stackalloc int[FieldCount + 1];
        uint seen = 0;
        while (!header.IsEmpty)
        {
            if (!RpcFields.TryRead(ref header, out ulong number, out bool isBytes, out ulong value, out _))
            {
                return RpcHeaderError.Malformed;
            }

            if (number is 0 or > FieldCount)
            {
                continue; // a setting of a later time
            }

            RpcHeaderError error = isBytes ? RpcHeaderError.WrongFieldKind
                : (seen & (1u << (int)number)) != 0 ? RpcHeaderError.DuplicateField
                : value > (ulong)LargestOf((int)number) || value < (ulong)LeastOf((int)number) ? RpcHeaderError.OutOfRange
                : RpcHeaderError.None;
            if (error != RpcHeaderError.None)
            {
                return error;
            }

            seen |= 1u << (int)number;
            values[(int)number] = (int)value;
        }

        for (int number = 1; number <= FieldCount; number++)
        {
            if ((seen & (1u << number)) == 0)
            {
                values[number] = Default.Get(number);
            }
        }

        settings = new RpcSettings
        {
            InitialCallCredit = values[1],
            ConnectionCredit = values[2],
            MaxFrameBodyLength = values[3],
            MethodTableSize = values[4],
            MaxConcurrentCalls = values[5],
            MaxMessageLength = values[6],
        };
        return RpcHeaderError.None;
    }

    private static int LeastOf(int number) => number switch
    {
        <= 4 => Default.Get(number),
        5 => 1,
        _ => 0,
    };

    private static int LargestOf(int number) => number switch
    {
        3 => RpcFrameLimits.Largest,
        4 => RpcMethodReference.MaxIndex,
        _ => int.MaxValue,
    };

    private int Get(int number) => number switch
    {
        1 => InitialCallCredit,
        2 => ConnectionCredit,
        3 => MaxFrameBodyLength,
        4 => MethodTableSize,
        5 => MaxConcurrentCalls,
        _ => MaxMessageLength,
    };

    private static int AtLeast(int value, int least)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least);
        return value;
    }
}
