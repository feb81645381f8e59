using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Protocol;

/// <summary>Other ways to read a stream.</summary>
public static class RpcStreamReaderExtensions
{
    /// <summary>Reads a stream to its end.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <param name="reader">The stream; nobody else may read it meanwhile.</param>
    /// <param name="cancellationToken">Gives up waiting; on a client the whole call with it.</param>
    /// <returns>The messages. To be enumerated once. Leaving early does not end the call: dispose of it.</returns>
    /// <exception cref="RpcException">The call failed.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public static async IAsyncEnumerable<T> ReadAllAsync<T>(
        this IRpcStreamReader<T> reader,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reader);
        while (await reader.MoveNextAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return reader.Current;
        }
    }
}
