using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>What one call has beside its messages. <c>default</c> is a call without any of it.</summary>
public readonly record struct RpcCallOptions
{
    /// <summary>
    /// How long the call may take, counted from when it is made; null does not limit it. Then it fails with
    /// <see cref="RpcStatusCode.DeadlineExceeded"/>; a server of version 2 is told the time with the request, and that it is over. Zero
    /// or less: it is over already, and nothing is sent.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>When the call must have ended, by the clock of the connection; null does not limit it. With <see cref="Timeout"/> too, the earlier counts.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Metadata of the request. Not to be changed while the call is under way. Version 2.</summary>
    public RpcMetadata? Metadata { get; init; }

    /// <summary>Gives the call up: it ends at once with an <see cref="OperationCanceledException"/>, and a server of version 2 is told.</summary>
    public CancellationToken CancellationToken { get; init; }

    /// <summary>
    /// The call that this one is made for, such as the context of a server's call: this one takes no longer than what is left of its time, and ends with it
    /// when it is cancelled (with an <see cref="OperationCanceledException"/> of its token; with <see cref="RpcStatusCode.DeadlineExceeded"/> if its time is
    /// over then). If its time is over already, the call fails at once and nothing is sent. To be usable until this call has ended.
    /// </summary>
    public IRpcParentCall? Parent { get; init; }

    /// <summary>Bytes that go beside the request message, which protobuf does not see. Not to be changed while the call is under way. Version 2; not for streams of requests.</summary>
    public ReadOnlyMemory<byte> Attachment { get; init; }

    /// <summary>
    /// How the messages that are sent are compressed; one that gets no shorter goes as it is, and attachments do always. The server must know the
    /// encoding. Default <see cref="RpcEncoding.None"/>. Version 2.
    /// </summary>
    public RpcEncoding Compression { get; init; }

    /// <summary>The token of the parent, once <see cref="Resolve"/> has asked for it.</summary>
    internal CancellationToken ParentCancellation { get; init; }

    /// <summary>Whether the call was given up, by its own token or the parent's.</summary>
    internal bool IsCancellationRequested => CancellationToken.IsCancellationRequested || ParentCancellation.IsCancellationRequested;

    /// <summary>The token that the call was given up by.</summary>
    internal CancellationToken Cause => CancellationToken.IsCancellationRequested ? CancellationToken : ParentCancellation;

    /// <summary>Whether there is something that version 1 cannot say.</summary>
    internal bool NeedVersion2 => Metadata is { Count: > 0 } || !Attachment.IsEmpty || Compression != RpcEncoding.None;

    /// <summary>Whether a request of version 2 has fields or an attachment.</summary>
    internal bool IsPlain => Timeout is null && Deadline is null && Metadata is null && Attachment.IsEmpty && Compression == RpcEncoding.None;

    /// <summary>What follows from the parent. On the thread that makes the call.</summary>
    internal RpcCallOptions Resolve(IRpcParentCall parent)
    {
        TimeSpan? left = parent.TimeLeft;
        if (left <= TimeSpan.Zero)
        {
            return this with { Timeout = TimeSpan.Zero };
        }

        return this with
        {
            Parent = parent,
            ParentCancellation = parent.CancellationToken,
            Timeout = left is null || Timeout < left ? Timeout : left,
        };
    }
}
