using System.Buffers.Binary;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

/// <summary>One message of 64 bytes at a time. Each differs from the one before, so that no reply passes for another.</summary>
internal sealed class EchoExchange : Exchange
{
    public const int MessageSize = 64;

    private readonly byte[] _message = new byte[MessageSize];
    private long _started;
    private int _sequence;

    /// <param name="connection">The number of the connection; it becomes part of every message.</param>
    public EchoExchange(int connection)
    {
        for (int i = 0; i < MessageSize; i++)
        {
            _message[i] = (byte)(i + connection);
        }

        BinaryPrimitives.WriteInt32BigEndian(_message, connection);
    }

    public override int MaximumOutput => MessageSize;

    public override int Begin(Span<byte> output, long now)
    {
        BinaryPrimitives.WriteInt32BigEndian(_message.AsSpan(4), ++_sequence);
        _message.CopyTo(output);
        _started = now;
        return MessageSize;
    }

    public override int Advance(ReadOnlySpan<byte> input, Span<byte> output, long now, Tally tally, out int written)
    {
        written = 0;
        if (input.Length < MessageSize)
        {
            return 0;
        }

        if (!input.SequenceEqual(_message))
        {
            throw new LoadException($"the echo of {MessageSize} bytes came back as {input.Length} other bytes");
        }

        tally.Record(_started, now);
        written = Begin(output, now);
        return MessageSize;
    }
}
