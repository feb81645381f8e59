namespace Kestrel.Rpc.Transport;

/// <summary>What a completion belongs to: the top byte of a request's <c>user_data</c>, above the socket's number.</summary>
internal enum CompletionKind : byte
{
    /// <summary>The result of a cancel, which says nothing that the cancelled request does not say too.</summary>
    Cancel = 1,

    /// <summary>The loop's own wake-up.</summary>
    Wake,

    Accept,
    Receive,
    Send,
    Connect,

    /// <summary>Added to one of the others: whether the kernel still has that request.</summary>
    Check = 0x80,
}
