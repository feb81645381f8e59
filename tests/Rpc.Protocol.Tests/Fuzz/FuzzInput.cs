using System.Buffers.Binary;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>Makes inputs: valid ones that are mutated, pieces of several, and noise. The same seed makes the same inputs.</summary>
internal sealed class FuzzInput(IReadOnlyList<byte[]> corpus, int seed)
{
    private const int MaxLength = 4096;

    private static readonly byte[] Bytes = [0x00, 0x01, 0x02, 0x03, 0x05, 0x07, 0x08, 0x0c, 0x0e, 0x10, 0x12, 0x34, 0x7f, 0x80, 0x81, 0xfe, 0xff];

    private static readonly uint[] Lengths = [0, 1, 2, 7, 8, 15, 16, 17, 127, 128, 255, 256, 65_535, 65_536, 65_537, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF];

    private readonly Random _random = new(seed);
    private readonly byte[] _buffer = new byte[MaxLength * 2];
    private int _length;

    public ReadOnlySpan<byte> Current => _buffer.AsSpan(0, _length);

    /// <summary>Lengths of the segments to cut the input into, or none to leave it whole.</summary>
    public int[] Cuts() => _random.Next(3) == 0 ? [.. Enumerable.Range(0, _random.Next(1, 6)).Select(_ => _random.Next(0, 40))] : [];

    public void Next()
    {
        if (_random.Next(8) == 0)
        {
            _length = _random.Next(64);
            _random.NextBytes(_buffer.AsSpan(0, _length));
            return;
        }

        _length = 0;
        for (int i = _random.Next(4) == 0 ? _random.Next(1, 5) : 1; i > 0; i--)
        {
            Append(corpus[_random.Next(corpus.Count)]);
        }

        // One in eight stays valid.
        int mutations = _random.Next(8) == 0 ? 0 : 1 << _random.Next(4);
        for (int i = 0; i < mutations; i++)
        {
            Mutate();
        }
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        int length = Math.Clamp(MaxLength - _length, 0, bytes.Length);
        bytes[..length].CopyTo(_buffer.AsSpan(_length));
        _length += length;
    }

    private void Mutate()
    {
        if (_length == 0)
        {
            return;
        }

        int at = _random.Next(_length);
        switch (_random.Next(8))
        {
            case 0:
                _buffer[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1:
                _buffer[at] = Bytes[_random.Next(Bytes.Length)];
                break;
            case 2:
                _buffer[at] = (byte)_random.Next(256);
                break;
            case 3: // a length, at a place where headers have one
                int place = _random.Next(2) == 0 ? at : Math.Min(at, 8 + (4 * _random.Next(2)));
                BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(place), Lengths[_random.Next(Lengths.Length)]);
                _length = Math.Max(_length, place + sizeof(uint));
                break;
            case 4:
                _length = at; // cut off
                break;
            case 5: // out of the middle
                int removed = _random.Next(1, Math.Min(16, _length - at) + 1);
                _buffer.AsSpan(at + removed, _length - at - removed).CopyTo(_buffer.AsSpan(at));
                _length -= removed;
                break;
            case 6: // into the middle
                int inserted = _random.Next(1, 16);
                if (_length + inserted <= MaxLength)
                {
                    _buffer.AsSpan(at, _length - at).CopyTo(_buffer.AsSpan(at + inserted));
                    _random.NextBytes(_buffer.AsSpan(at, inserted));
                    _length += inserted;
                }

                break;
            default: // the same again
                int repeated = _random.Next(1, Math.Min(32, _length - at) + 1);
                byte[] copy = _buffer.AsSpan(at, repeated).ToArray();
                Append(copy);
                break;
        }
    }
}
