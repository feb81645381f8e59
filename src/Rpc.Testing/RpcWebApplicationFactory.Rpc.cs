using System.Net;
using Kestrel.Rpc.Client;

namespace Kestrel.Rpc.Testing;

/// <remarks>RPC clients, and the time they and the program go by.</remarks>
public partial class RpcWebApplicationFactory<TEntryPoint>
{
    private readonly List<RpcConnection> _connections = []; // guarded by itself

    /// <summary>
    /// The clock of the program, registered in place of its own, and of RPC clients: with a <see cref="ManualTimeProvider"/> time passes when the test
    /// says so. Default: null, the program's own. Set it before the program starts.
    /// </summary>
    public TimeProvider? TimeProvider { get; init; }

    /// <summary>Makes a generated client with a connection of its own. Starts the program.</summary>
    /// <typeparam name="TClient">The client, such as <c>Greeter.GreeterClient</c>.</typeparam>
    /// <param name="endPoint">The end point; null for the first one the program bound.</param>
    /// <param name="options">The options of the connection; null for the defaults, with <see cref="TimeProvider"/>.</param>
    /// <returns>The client; the factory disposes of its connection.</returns>
    /// <exception cref="Protocol.RpcException">The program does not listen there.</exception>
    /// <exception cref="InvalidOperationException">No end point is named and the program listens on none.</exception>
    public TClient CreateRpcClient<TClient>(EndPoint? endPoint = null, RpcConnectionOptions? options = null)
        where TClient : IRpcClient<TClient>
    {
        // On the pool: nobody's synchronization context is needed to connect, so none can stand in the way of waiting here.
        RpcConnection connection = Task.Run(() => ConnectRpcAsync(endPoint, options)).GetAwaiter().GetResult();
        lock (_connections)
        {
            _connections.Add(connection);
        }

        return TClient.Create(connection);
    }

    /// <summary>Opens an RPC connection to the program. Starts it.</summary>
    /// <param name="endPoint">The end point; null for the first one the program bound.</param>
    /// <param name="options">The options of the connection; null for the defaults, with <see cref="TimeProvider"/>.</param>
    /// <param name="cancellationToken">Gives up connecting.</param>
    /// <returns>The connection; the caller disposes of it.</returns>
    /// <exception cref="Protocol.RpcException">The program does not listen there.</exception>
    /// <exception cref="InvalidOperationException">No end point is named and the program listens on none.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public Task<RpcConnection> ConnectRpcAsync(
        EndPoint? endPoint = null, RpcConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        endPoint ??= EndPoints.Count > 0 ? EndPoints[0] : throw new InvalidOperationException("The program listens on no end point.");
        _ = Services;
        options ??= TimeProvider is null ? null : new RpcConnectionOptions { TimeProvider = TimeProvider };
        return RpcConnection.ConnectAsync(Network, endPoint, options, cancellationToken);
    }

    private async ValueTask DisposeConnectionsAsync()
    {
        RpcConnection[] connections;
        lock (_connections)
        {
            connections = [.. _connections];
            _connections.Clear();
        }

        foreach (RpcConnection connection in connections)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }
}
