namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>Bytes that wait for the next event of their connection.</summary>
internal sealed class PendingBytes
{
    private byte[] _bytes = [];
    private int _start;

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(_start, Length);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_start + Length + bytes.Length > _bytes.Length)
        {
            byte[] room = Length + bytes.Length <= _bytes.Length ? _bytes : new byte[Math.Max(256, (Length + bytes.Length) * 2)];
            Span.CopyTo(room);
            _bytes = room;
            _start = 0;
        }

        bytes.CopyTo(_bytes.AsSpan(_start + Length));
        Length += bytes.Length;
    }

    /// <summary>Drops the first bytes. Those that stay are not moved: the rest of an upload goes out in many pieces.</summary>
    public void Drop(int count)
    {
        Length -= count;
        _start = Length == 0 ? 0 : _start + count;
    }
}
