using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What only version 2 knows: a reply in pieces, a status, credit. The read loop alone receives.</remarks>
internal abstract partial class PendingCall
{
    private volatile bool _hasFlow;
    private bool _hasHeaders; // or may have none any more
    private RpcMessageAssembly? _assembly;
    private RpcEncoding _replyEncoding;
    private int _admission;
    private CallCredit _credit;

    /// <summary>The credit of the call. Under the lock of <see cref="FlowControl"/>.</summary>
    public ref CallCredit Credit => ref _credit;

    /// <summary>Whether <see cref="FlowControl"/> has anything to do with the call.</summary>
    public bool HasFlow
    {
        get => _hasFlow;
        set => _hasFlow = value;
    }

    /// <summary>What is sent in DATA frames; null if there is nothing. Of the writer, or set before the call is sent.</summary>
    public OutgoingMessages? Outgoing { get; set; }

    /// <summary>How the serialised request is compressed. Of whoever serialises it, then of the writer.</summary>
    public RpcEncoding RequestEncoding { get; set; }

    /// <summary>Whether it ended here and its id stays taken until the server has answered. Written under the lock of the table.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Whether version 1 has no such call.</summary>
    public virtual bool NeedsVersion2 => false;

    /// <summary>Whether no reply is wanted.</summary>
    public virtual bool IsOneWay => false;

    /// <summary>Whether all of a one-way call was written: it has ended on both sides.</summary>
    public bool IsSent { get; private set; }

    /// <summary>How the call ended on this side, as the server is told.</summary>
    public RpcStatusCode StatusCode => Failure?.StatusCode == RpcStatusCode.DeadlineExceeded ? RpcStatusCode.DeadlineExceeded : RpcStatusCode.Cancelled;

    /// <summary>Whether the REQUEST has no message: what is sent comes in DATA frames.</summary>
    public virtual bool IsStreamOfRequests => false;

    private Version2Session Version2 => (Version2Session)Session;

    /// <summary>Notes that the call counts against the server's limit.</summary>
    /// <returns>False if it has ended.</returns>
    public bool TryAdmit() => Interlocked.CompareExchange(ref _admission, 1, 0) == 0;

    /// <summary>Notes that it counts no more, or will never.</summary>
    /// <returns>Whether it did.</returns>
    public bool TryDismiss() => Interlocked.Exchange(ref _admission, 2) == 1;

    /// <summary>Ends a one-way call whose last piece was written. Only for whoever took it out of the table.</summary>
    public void OnSent()
    {
        IsSent = true;
        Finish();
    }

    /// <summary>Takes the last frame of the call, and ends it. Only for whoever took it out of the table.</summary>
    /// <returns>False if the peer broke the protocol.</returns>
    public bool OnResponse(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        IsAnswered = true;
        bool isGood = true;
        try
        {
            if (header.StatusCode != RpcStatusCode.Ok)
            {
                Failure = ReadFailure(header);
            }

            OnMetadata(header, isEnd: true); // ahead of the message, as its reader expects it
            if (header.StatusCode == RpcStatusCode.Ok)
            {
                isGood = (header.Flags & RpcCallBits.NoMessage) == 0 ? Receive(header, body, cost: 0) : _assembly is not { IsUnderWay: true };
            }

            Failure ??= isGood ? CheckEnd() : new RpcException(RpcErrorCode.Decoding, $"The pieces of the reply to {Method} do not fit together.");
        }
        catch (RpcException exception)
        {
            Failure ??= exception;
        }

        HandOver(); // whoever reads gets it ahead of the end
        Finish();
        return isGood;
    }

    /// <summary>Takes a DATA frame, whose credit was counted. Held by the caller.</summary>
    /// <returns>False if the peer broke the protocol.</returns>
    public bool OnData(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body, long cost)
    {
        _hasHeaders = true; // they would have come before
        try
        {
            return Receive(header, body, cost);
        }
        catch (RpcException exception)
        {
            HandOver(); // what came before, ahead of the end
            FailHere(exception);
            return true;
        }
    }

    /// <summary>Shows its reader the messages of the DATA frames that have come. On the read loop, after all that came together.</summary>
    public virtual void HandOver()
    {
    }

    /// <summary>Takes the metadata of a HEADERS frame. Held by the caller.</summary>
    /// <returns>False if the peer broke the protocol.</returns>
    public bool OnHeaders(scoped in RpcReceivedHeader header)
    {
        if (_hasHeaders)
        {
            return false;
        }

        _hasHeaders = true;
        try
        {
            NoteEncoding(header);
            OnMetadata(header, isEnd: false);
        }
        catch (RpcException exception)
        {
            FailHere(exception);
        }

        return true;
    }

    /// <summary>Reads metadata and trailers, for calls that show them.</summary>
    /// <param name="header">A HEADERS or RESPONSE.</param>
    /// <param name="isEnd">Whether it is a RESPONSE.</param>
    /// <exception cref="RpcException">They are malformed, or too many.</exception>
    protected virtual void OnMetadata(scoped in RpcReceivedHeader header, bool isEnd)
    {
    }

    /// <summary>Takes a compressed message as it is, if its reader decompresses. As <see cref="OnMessage"/> for the rest.</summary>
    /// <returns>False if it does not.</returns>
    protected virtual bool TryKeep(RpcEncoding encoding, in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost) => false;

    /// <summary>Counts a piece of a message that is not whole yet.</summary>
    protected virtual void OnPiece(long cost) => Version2.Flow.Release(this, cost);

    /// <summary>Says whether the reply is whole when the server has ended the call well.</summary>
    protected virtual RpcException? CheckEnd() => null;

    /// <summary>Says what is wrong with metadata of a reply.</summary>
    protected RpcException BadMetadata(RpcMetadataError error) => new(
        error.ToStatusCode(isReply: true),
        $"The metadata of the reply to {Method} was refused: {error}.");

    private static RpcException ReadFailure(scoped in RpcReceivedHeader header)
    {
        // The status counts for more than trailers that cannot be read.
        RpcMetadataError error = header.ReadTrailers(RpcMetadataLimits.Default, out RpcMetadata trailers);
        return new RpcException(header.ToStatus(), error == RpcMetadataError.None ? trailers : null)
        {
            IsNotProcessed = (header.Flags & RpcCallBits.NotProcessed) != 0,
        };
    }

    private bool Receive(scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body, long cost)
    {
        NoteEncoding(header);
        int limit = Version2.MaxMessageLength;
        if (_assembly is not { IsUnderWay: true } && (header.Flags & RpcCallBits.More) == 0)
        {
            if (body.Length > limit)
            {
                throw TooLong(limit);
            }

            long length = body.Length - header.AttachmentLength;
            Deliver(body.Slice(0, length), body.Slice(length), (header.Flags & RpcCallBits.Compressed) != 0, cost);
            return true;
        }

        _assembly ??= new RpcMessageAssembly(limit);
        RpcAssemblyResult result = _assembly.Add(header, body, out RpcPooledMessage? message);
        switch (result)
        {
            case RpcAssemblyResult.Incomplete:
                OnPiece(cost);
                return true;
            case RpcAssemblyResult.TooLong:
                throw TooLong(limit);
            case RpcAssemblyResult.Complete:
                using (message)
                {
                    Deliver(message!.Message, message.Attachment, message.IsCompressed, cost);
                }

                return true;
            default:
                return false;
        }
    }

    private void Deliver(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, bool isCompressed, long cost)
    {
        if (!isCompressed)
        {
            OnMessage(message, attachment, cost);
            return;
        }

        if (TryKeep(_replyEncoding, message, attachment, cost))
        {
            return;
        }

        MessageBuffer plain = new();
        try
        {
            PackedMessage.Decompress(_replyEncoding, message, plain, Version2.MaxMessageLength, Method);
            OnMessage(new ReadOnlySequence<byte>(plain.WrittenMemory), attachment, cost);
        }
        finally
        {
            plain.Clear();
        }
    }

    private void NoteEncoding(scoped in RpcReceivedHeader header)
    {
        if (header.Encoding != RpcEncoding.None)
        {
            _replyEncoding = header.Encoding;
        }
    }

    private RpcException TooLong(int limit) =>
        new(RpcStatusCode.ResourceExhausted, $"A message of the reply to {Method} is over the limit of {limit} bytes.");

    private void ResetVersion2()
    {
        _assembly?.Dispose();
        _assembly = null; // it has the limit of its connection
        if (_hasFlow)
        {
            _credit = default;
            _hasFlow = false;
        }

        _hasHeaders = false;
        Outgoing = null;
        RequestEncoding = _replyEncoding = RpcEncoding.None;
        IsAbandoned = IsSent = false;
        _admission = 0;
    }
}
