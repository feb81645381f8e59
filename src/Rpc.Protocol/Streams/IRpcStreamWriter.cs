namespace Kestrel.Rpc.Protocol;

/// <summary>A stream of messages that are sent: requests on a client, replies on a server. One writer at a time.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IRpcStreamWriter<in T>
{
    /// <summary>Sends a message. It is serialised before this method returns, and may be changed then.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Gives up waiting; on a client the whole call with it.</param>
    /// <returns>Ends when there is room for the next message: at once, as long as the receiver keeps up.</returns>
    /// <exception cref="RpcException">The call has failed or ended; or the message cannot be serialised or is too long, then the stream goes on without it.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The stream was completed, or the message before still waits; or, on a server, the handler has returned.</exception>
    ValueTask WriteAsync(T message, CancellationToken cancellationToken = default);

    /// <summary>Sends a message with an attachment: bytes that its format does not see.</summary>
    /// <param name="message">The message.</param>
    /// <param name="attachment">The attachment. Copied before this method returns.</param>
    /// <param name="cancellationToken">Gives up waiting; on a client the whole call with it.</param>
    /// <returns>As the other overload.</returns>
    /// <exception cref="RpcException">As the other overload.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="InvalidOperationException">As the other overload.</exception>
    ValueTask WriteAsync(T message, ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken = default);

    /// <summary>
    /// Says that no message follows. Does nothing if the call has ended, or a second time. A client that leaves it out keeps the server waiting; on a
    /// server the end goes out when the handler has returned, so nobody need call it.
    /// </summary>
    /// <returns>Ends at once.</returns>
    ValueTask CompleteAsync();
}
