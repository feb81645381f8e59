using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>The replies of a call as its handler writes them. One thread at a time.</summary>
internal sealed class RpcStreamWriter<T>(IRpcReplyStream stream) : IRpcStreamWriter<T>
    where T : class
{
    public ValueTask WriteAsync(T message, CancellationToken cancellationToken = default) => WriteAsync(message, default, cancellationToken);

    public ValueTask WriteAsync(T message, ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        return stream.WriteAsync(message, attachment.Span, cancellationToken);
    }

    public ValueTask CompleteAsync()
    {
        stream.Complete();
        return ValueTask.CompletedTask;
    }
}
