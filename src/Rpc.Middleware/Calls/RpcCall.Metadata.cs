using System.Security.Claims;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>What a call carries beside its messages.</remarks>
internal sealed partial class RpcCall
{
    private ClaimsPrincipal? _user; // of the call alone

    public override int ProtocolVersion
    {
        get
        {
            ThrowIfEnded(this);
            return Plugged is not null ? 0 : Version2 is null ? RpcFrameHeader.Version1 : RpcFrameHeader.Version2;
        }
    }

    public override string Protocol
    {
        get
        {
            ThrowIfEnded(this);
            return _owner.Protocol;
        }
    }

    public override ClaimsPrincipal User
    {
        get
        {
            ThrowIfEnded(this);
            return _user ?? _owner.User;
        }

        set
        {
            ThrowIfEnded(this);
            ArgumentNullException.ThrowIfNull(value);
            _user = value;
        }
    }

    public override RpcServer Server => _owner.Server;

    /// <summary>The connection that the call belongs to.</summary>
    public RpcServerConnection Owner => _owner;

    /// <summary>What goes ahead of the reply, if the pipeline has asked for it; in version 1 and in protocols of the application.</summary>
    public RpcMetadata? ReplyMetadataOrNull => _replyMetadata;

    /// <summary>What goes behind the reply, likewise.</summary>
    public RpcMetadata? ReplyTrailersOrNull => _replyTrailers;

    public override bool IsOneWay
    {
        get
        {
            ThrowIfEnded(this);
            return Version2 is { IsOneWay: true } || Plugged is { IsOneWay: true };
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
            return Version2 is not null ? Version2.TimeLeft : Plugged is not null ? Plugged.TimeLeft : OwnTimeLeft;
        }
    }

    public override RpcMetadata RequestMetadata
    {
        get
        {
            ThrowIfEnded(this);
            return Version2?.RequestMetadata ?? Plugged?.RequestMetadata ?? RpcMetadata.Empty;
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
