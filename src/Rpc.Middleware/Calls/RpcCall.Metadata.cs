using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>What a call carries beside its messages.</remarks>
internal sealed partial class RpcCall
{
    public override int ProtocolVersion
    {
        get
        {
            ThrowIfEnded(this);
            return Version2 is null ? RpcFrameHeader.Version1 : RpcFrameHeader.Version2;
        }
    }

    public override bool IsOneWay
    {
        get
        {
            ThrowIfEnded(this);
            return Version2 is { IsOneWay: true };
        }
    }

    public override long ReceivedTimestamp
    {
        get
        {
            ThrowIfEnded(this);
            return ReceivedAt;
        }
    }

    public override TimeSpan? TimeLeft
    {
        get
        {
            ThrowIfEnded(this);
            return Version2?.TimeLeft;
        }
    }

    public override RpcMetadata RequestMetadata
    {
        get
        {
            ThrowIfEnded(this);
            return Version2?.RequestMetadata ?? RpcMetadata.Empty;
        }
    }

    public override RpcMetadata ReplyMetadata
    {
        get
        {
            ThrowIfEnded(this);
            return Version2 is null ? _replyMetadata ??= [] : Version2.ReplyMetadata ??= [];
        }
    }

    public override RpcMetadata ReplyTrailers
    {
        get
        {
            ThrowIfEnded(this);
            return Version2 is null ? _replyTrailers ??= [] : Version2.ReplyTrailers ??= [];
        }
    }
}
