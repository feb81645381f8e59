namespace Kestrel.Rpc.Middleware;

/// <summary>Where the replies of a call with a stream of them go. One thread at a time, until the handler has ended.</summary>
internal interface IRpcReplyStream
{
    /// <summary>The call's own token.</summary>
    CancellationToken Cancelled { get; }

    /// <summary>Writes a message.</summary>
    /// <returns>Ends when there is room for the next one. To be awaited before that is written.</returns>
    ValueTask WriteAsync(object message, ReadOnlySpan<byte> attachment, CancellationToken cancellationToken);

    /// <summary>Says that the handler writes no more.</summary>
    void Complete();
}
