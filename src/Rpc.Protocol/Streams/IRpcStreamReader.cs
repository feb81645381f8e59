namespace Kestrel.Rpc.Protocol;

/// <summary>A stream of messages that are received: replies on a client, requests on a server. One reader at a time; <see cref="RpcStreamReaderExtensions.ReadAllAsync"/> makes it an <see cref="IAsyncEnumerable{T}"/>.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IRpcStreamReader<out T>
{
    /// <summary>The message that <see cref="MoveNextAsync"/> has come to. Undefined before its first <c>true</c> and after its <c>false</c>.</summary>
    T Current { get; }

    /// <summary>The attachment of <see cref="Current"/>; empty if it has none.</summary>
    ReadOnlyMemory<byte> CurrentAttachment { get; }

    /// <summary>Goes on to the next message.</summary>
    /// <param name="cancellationToken">Gives up waiting; on a client the whole call with it.</param>
    /// <returns>Whether there is one; false at the good end of the stream.</returns>
    /// <exception cref="RpcException">The call failed. Messages that had come before are read first.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    /// <exception cref="InvalidOperationException">The one before has not ended yet; or, on a server, the handler has returned.</exception>
    ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default);
}
