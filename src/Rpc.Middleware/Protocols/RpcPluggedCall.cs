using System.Buffers;
using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What a call has beside the rest in a protocol that the application has brought. Kept by its pooled call; belongs to whoever has the call.
/// </summary>
internal sealed class RpcPluggedCall(RpcCall call, RpcServerConnection connection)
{
    private readonly RpcCallCancellation _cancellation = new(connection); // of calls with a time limit whose handler asks for its token
    private ulong _id;
    private object? _state;

    /// <summary>Time that the call has, from the moment the request was read; null without a limit.</summary>
    public TimeSpan? Timeout { get; set; }

    public bool IsOneWay { get; private set; }

    public RpcMetadata RequestMetadata { get; private set; } = RpcMetadata.Empty;

    public ReadOnlySequence<byte> RequestAttachment { get; private set; }

    /// <summary>Time left; null without a limit.</summary>
    public TimeSpan? TimeLeft => Timeout - connection.Server.TimeProvider.GetElapsedTime(call.ReceivedAt);

    /// <summary>Why the call was cancelled; null if it was not.</summary>
    public RpcStatusCode? CancelledWith => connection.CallsCancelled.IsCancellationRequested ? RpcStatusCode.Cancelled
        : TimeLeft <= TimeSpan.Zero || _cancellation.IsCancellationRequested ? RpcStatusCode.DeadlineExceeded
        : null;

    public CancellationToken CancellationToken
    {
        get
        {
            if (TimeLeft is not { } left || left >= SniffTimer.Longest)
            {
                return connection.CallsCancelled;
            }

            if (!_cancellation.IsStarted)
            {
                _cancellation.Start(left);
            }

            return _cancellation.Token;
        }
    }

    /// <summary>Whether body and attachment are as long as they may be. If not, neither is looked at.</summary>
    public bool IsWithinLimits { get; private set; }

    public void Start(in RpcProtocolRequest request, bool isWithinLimits)
    {
        IsWithinLimits = isWithinLimits;
        _id = request.Id;
        _state = request.State;
        Timeout = request.Timeout;
        IsOneWay = request.IsOneWay;
        RequestMetadata = request.Metadata ?? RpcMetadata.Empty;
        RequestAttachment = isWithinLimits ? new ReadOnlySequence<byte>(request.Attachment.ToArray()) : default;
    }

    /// <summary>Writes the reply, or the error in its place. In the writer's role.</summary>
    /// <returns>Bytes written.</returns>
    public int WriteReply(PipeWriter output)
    {
        if (IsOneWay)
        {
            return 0;
        }

        RpcPluggedSession plugged = connection.Plugged!;
        if (call.Fault is null)
        {
            try
            {
                return WriteMessage(plugged, output, call.Reply!);
            }
            catch (Exception exception)
            {
                // Over the limit, or the protocol cannot say it.
                Log.ReplyNotWritten(connection.Logger, call.Name, connection.Connection.ConnectionId, exception);
                if (plugged.Writer.Count > 0)
                {
                    // Half a message. Nothing can follow it.
                    throw;
                }

                RpcStatusCode code = exception is RpcException refusal ? refusal.StatusCode : RpcStatusCode.Internal;
                call.Fault = RpcFault.Of(code, "The reply could not be written.", call.Name);
            }
        }

        return Write(plugged, output, new RpcProtocolReply
        {
            Id = _id, State = _state, Error = call.Fault.Value.Status, Trailers = call.Fault.Value.Trailers ?? call.ReplyTrailersOrNull,
        });
    }

    /// <summary>Gives back what the call holds. Something of the application may still use it: then it is never used again.</summary>
    public void Abandon() => _cancellation.Abandon();

    /// <summary>Forgets everything about the call.</summary>
    public void Reset()
    {
        _state = null;
        Timeout = null;
        RequestMetadata = RpcMetadata.Empty;
        RequestAttachment = default;
        _cancellation.Reset();
    }

    private int WriteMessage(RpcPluggedSession plugged, PipeWriter output, object reply)
    {
        plugged.Writer.Begin(output);
        RpcMessageFormat format = call.ReplyFormat;
        int length = format.Measure(reply);
        ReadOnlySequence<byte> attachment = call.ReplyAttachment;
        if (length + attachment.Length > plugged.Limits.MaxBodyLength)
        {
            throw new RpcException(
                RpcStatusCode.ResourceExhausted, $"A reply of {length + attachment.Length} bytes is over the limit of {plugged.Limits.MaxBodyLength}.");
        }

        return Write(plugged, output, new RpcProtocolReply
        {
            Id = _id,
            State = _state,
            Message = reply,
            Format = format,
            MessageLength = length,
            Attachment = attachment,
            Metadata = call.ReplyMetadataOrNull,
            Trailers = call.ReplyTrailersOrNull,
        });
    }

    private static int Write(RpcPluggedSession plugged, PipeWriter output, in RpcProtocolReply reply)
    {
        plugged.Writer.Begin(output);
        plugged.Session.WriteReply(reply, plugged.Writer);
        return plugged.Writer.End();
    }
}
