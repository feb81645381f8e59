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

    /// <summary>Bytes that go beside the request message, which protobuf does not see. Not to be changed while the call is under way. Version 2; not for streams of requests.</summary>
    public ReadOnlyMemory<byte> Attachment { get; init; }

    /// <summary>
    /// How the messages that are sent are compressed; one that gets no shorter goes as it is, and attachments do always. The server must know the
    /// encoding. Default <see cref="RpcEncoding.None"/>. Version 2.
    /// </summary>
    public RpcEncoding Compression { get; init; }

    /// <summary>Whether there is something that version 1 cannot say.</summary>
    internal bool NeedVersion2 => Metadata is { Count: > 0 } || !Attachment.IsEmpty || Compression != RpcEncoding.None;

    /// <summary>Whether a request of version 2 has fields or an attachment.</summary>
    internal bool IsPlain => Timeout is null && Deadline is null && Metadata is null && Attachment.IsEmpty && Compression == RpcEncoding.None;
}
