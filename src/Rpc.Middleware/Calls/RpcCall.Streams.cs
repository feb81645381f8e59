using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Streams, attachments and compression: what a call may have beyond one message in and one out.</remarks>
internal sealed partial class RpcCall
{
    private ReadOnlySequence<byte> _replyAttachment; // in protocols of the application, and in version 1, where nobody gets it

    public override ReadOnlySequence<byte> RequestAttachment
    {
        get
        {
            ThrowIfEnded(this);
            return Plugged?.RequestAttachment ?? Version2?.RequestWithAttachment?.Attachment ?? default;
        }
    }

    public override ReadOnlySequence<byte> ReplyAttachment
    {
        get
        {
            ThrowIfEnded(this);
            return Version2?.ReplyAttachment ?? _replyAttachment;
        }

        set
        {
            ThrowIfEnded(this);
            if (Version2 is not null)
            {
                Version2.ReplyAttachment = value;
            }
            else
            {
                _replyAttachment = value;
            }
        }
    }

    // The streams of version 2 may be open already: with the first message in them.
    private bool TryPrepareStream()
    {
        if (Version2 is null)
        {
            const string NoStreams = "The method has streams, which only version 2 of the protocol has. Call it in that.";
            Fault = RpcFault.Of(RpcStatusCode.Unimplemented, NoStreams, _route!.Name);
            return false;
        }

        if (Version2.Stream is null)
        {
            Version2.OpenStream();
        }

        if (_isObserved)
        {
            ObserveStreams();
        }

        return true;
    }

    // The pipeline has ended. False if the reply is to be sent by the caller; else the call must not be touched any more.
    private bool TryEndStreams()
    {
        LeaveGates();
        CheckReply();
        if (Fault is null && Reply is not null && Version2 is { ReplyEncoding: not RpcEncoding.None })
        {
            try
            {
                Version2.CompressReply(Reply);
            }
            catch (RpcException exception)
            {
                // The reply cannot be serialised.
                Fail(exception);
            }
        }

        return TryEndOpenStreams();
    }

    /// <summary>Ends a call with streams, whether a handler has seen it or not; its streams send what is to be sent.</summary>
    /// <returns>False if it has no streams, and its reply is to be sent; else the call must not be touched any more.</returns>
    public bool TryEndOpenStreams()
    {
        if (Version2?.Stream is not { } stream)
        {
            return false;
        }

        stream.OnHandlerEnded();
        return true;
    }

    private void CheckReply()
    {
        if (Fault is null && Reply is null && !_route!.Endpoint.HasReplyStream)
        {
            Log.NoReply(_owner.Logger, Name, Connection.ConnectionId);
            Fault = new RpcFault(Name.Service, Name.Method, RpcErrorCode.Server, NoReply) { Status = new RpcStatus(RpcStatusCode.Internal, NoReply) };
        }
    }
}
