using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware;

/// <summary>Listens on nothing: accepts no connection, and ends when it is unbound.</summary>
internal sealed class HiddenListener(EndPoint endPoint) : IConnectionListener
{
    private readonly TaskCompletionSource<ConnectionContext?> _unbound = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public EndPoint EndPoint => endPoint;

    public ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        new(_unbound.Task.WaitAsync(cancellationToken));

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.TrySetResult(null);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => UnbindAsync();
}
