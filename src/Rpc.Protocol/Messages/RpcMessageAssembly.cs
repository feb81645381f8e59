using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Puts the pieces of cut messages together, one message after the other, for one direction of one call. Memory is pooled and grows with the
/// bytes that have come, to at most four times those or 8 KiB, whatever length the sender promised. Belongs to the read loop of the
/// connection; a message that is whole belongs to whoever it is given to. Dispose it when the call ends.
/// </summary>
public sealed class RpcMessageAssembly : IDisposable
{
    private const int SmallestSegment = 4 * 1024;
    private const int LargestSegment = 1024 * 1024;

    private readonly ArrayPool<byte> _pool;
    private readonly int _maxMessageLength;
    private RpcMessageSegment? _first;
    private RpcMessageSegment? _last;
    private long _length; // of the whole message, as its first piece says
    private long _received;
    private long _attachmentLength;
    private bool _isCompressed;

    /// <summary>Makes one without a message.</summary>
    /// <param name="maxMessageLength">The longest message accepted, attachment included, in bytes. Default 4 MiB.</param>
    public RpcMessageAssembly(int maxMessageLength = RpcSettings.DefaultMaxMessageLength)
        : this(maxMessageLength, ArrayPool<byte>.Shared)
    {
    }

    internal RpcMessageAssembly(int maxMessageLength, ArrayPool<byte> pool)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxMessageLength);
        _maxMessageLength = maxMessageLength;
        _pool = pool;
    }

    /// <summary>Whether a message has begun and is not whole: the next frame of the call with a body goes on with it.</summary>
    public bool IsUnderWay { get; private set; }

    /// <summary>
    /// Adds the body of a frame with a message or a piece, and copies it. A message that comes in one frame, while none is under way, need not
    /// pass here. A RESPONSE that ends the call with an error in the middle of a message is for the caller to see first.
    /// </summary>
    /// <param name="header">The frame header.</param>
    /// <param name="body">The body.</param>
    /// <param name="message">The message, if it is whole now. To be disposed.</param>
    /// <returns>What came of it.</returns>
    public RpcAssemblyResult Add(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body, out RpcPooledMessage? message) =>
        Add(header.Flags, header.MessageLength, header.AttachmentLength, body, out message);

    /// <summary>Drops the message that is under way, if there is one, and gives its memory back.</summary>
    public void Reset()
    {
        RpcMessageSegment.Return(_pool, _first);
        Forget();
    }

    /// <summary>As <see cref="Reset"/>.</summary>
    public void Dispose() => Reset();

    internal RpcAssemblyResult Add(
        RpcCallBits flags,
        long messageLength,
        long attachmentLength,
        in ReadOnlySequence<byte> body,
        out RpcPooledMessage? message)
    {
        message = null;
        RpcAssemblyResult result = IsUnderWay
            ? CheckNext(flags, messageLength, attachmentLength, body.Length)
            : Begin(flags, messageLength, attachmentLength, body.Length);
        if (result > RpcAssemblyResult.Complete)
        {
            Reset();
            return result;
        }

        Append(body);
        if (result == RpcAssemblyResult.Complete)
        {
            ReadOnlySequence<byte> bytes = _first is null ? default : new(_first, 0, _last!, _last!.Length);
            message = new RpcPooledMessage(_pool, _first, bytes, _attachmentLength, _isCompressed);
            Forget();
        }

        return result;
    }

    private RpcAssemblyResult Begin(RpcCallBits flags, long messageLength, long attachmentLength, long bodyLength)
    {
        bool isCut = (flags & RpcCallBits.More) != 0;
        _length = isCut ? messageLength : bodyLength;
        if ((flags & RpcCallBits.NoMessage) != 0 || (isCut && messageLength <= bodyLength) || attachmentLength > _length)
        {
            return RpcAssemblyResult.Mismatch;
        }

        if (_length > _maxMessageLength)
        {
            return RpcAssemblyResult.TooLong;
        }

        _attachmentLength = attachmentLength;
        _isCompressed = (flags & RpcCallBits.Compressed) != 0;
        IsUnderWay = true;
        return isCut ? RpcAssemblyResult.Incomplete : RpcAssemblyResult.Complete;
    }

    // The length was checked against the limit, so no sum of pieces can be over it.
    private RpcAssemblyResult CheckNext(RpcCallBits flags, long messageLength, long attachmentLength, long bodyLength)
    {
        const RpcCallBits OfFirstFrames = RpcCallBits.Compressed | RpcCallBits.NoMessage;
        bool isLast = (flags & RpcCallBits.More) == 0;
        long left = _length - _received - bodyLength;
        bool fits = (flags & OfFirstFrames) == 0
            && messageLength == 0
            && attachmentLength == 0
            && (isLast ? left == 0 : left > 0);
        return !fits ? RpcAssemblyResult.Mismatch : isLast ? RpcAssemblyResult.Complete : RpcAssemblyResult.Incomplete;
    }

    private void Append(ReadOnlySequence<byte> body)
    {
        while (!body.IsEmpty)
        {
            if (_last is null || _last.Room == 0)
            {
                long wanted = Math.Max(body.Length, Math.Clamp(_received, SmallestSegment, LargestSegment));
                _last = new RpcMessageSegment(_pool.Rent((int)Math.Min(wanted, _length - _received)), _last);
                _first ??= _last;
            }

            long before = body.Length;
            _last.Fill(ref body);
            _received += before - body.Length;
        }
    }

    private void Forget()
    {
        _first = _last = null;
        _length = _received = _attachmentLength = 0;
        IsUnderWay = _isCompressed = false;
    }
}
