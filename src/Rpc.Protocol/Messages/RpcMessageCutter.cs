using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Cuts a message into the bodies of its frames (version 2). A message that fits one frame is one piece, an empty one an empty piece. Allocates
/// nothing; the pieces lie in the memory of the message. A mutable struct: never copy it while it is in use.
/// </summary>
public struct RpcMessageCutter
{
    private readonly int _maxPieceLength;
    private ReadOnlySequence<byte> _rest;

    /// <summary>Starts with a whole message.</summary>
    /// <param name="message">The message as it is sent: compressed if it is, its attachment behind it.</param>
    /// <param name="maxPieceLength">The longest body that the receiver takes, 1 or more.</param>
    public RpcMessageCutter(in ReadOnlySequence<byte> message, int maxPieceLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxPieceLength, 1);
        _rest = message;
        _maxPieceLength = maxPieceLength;
        Length = Remaining = message.Length;
    }

    /// <summary>Bytes of the whole message.</summary>
    public long Length { get; }

    /// <summary>Bytes that were not taken yet.</summary>
    public long Remaining { get; private set; }

    /// <summary>Whether nothing was taken yet.</summary>
    public readonly bool IsFirst => !IsDone && Remaining == Length;

    /// <summary>Whether the last piece was taken.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Bytes of the next piece if credit does not matter, as for REQUEST and RESPONSE.</summary>
    public readonly int NextLength => (int)Math.Min(Remaining, _maxPieceLength);

    /// <summary>Takes the next piece.</summary>
    /// <param name="maxLength">The most bytes it may have now, for credit; positive unless the message is empty.</param>
    /// <param name="isLast">Whether it is the last: the frame has MORE if not.</param>
    /// <returns>The piece.</returns>
    /// <exception cref="InvalidOperationException">The last piece was taken before.</exception>
    public ReadOnlySequence<byte> Take(int maxLength, out bool isLast)
    {
        if (IsDone)
        {
            throw new InvalidOperationException("The whole message was taken.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(maxLength, Math.Min(NextLength, 1));
        int length = Math.Min(NextLength, maxLength);
        ReadOnlySequence<byte> piece = _rest.Slice(0, length);
        _rest = _rest.Slice(piece.End);
        Remaining -= length;
        isLast = IsDone = Remaining == 0;
        return piece;
    }
}
