using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// Serves connections as Kestrel does, without Kestrel: accepts in a loop, starts every connection on the pool, disposes
/// it when its handler is done; unbinds first and disposes the listener last.
/// </summary>
internal sealed class ConnectionServer : IAsyncDisposable
{
    private readonly IConnectionListener _listener;
    private readonly Func<ConnectionContext, Task> _handler;
    private readonly ConcurrentDictionary<ConnectionContext, Task> _connections = new();
    private readonly ConcurrentQueue<Exception> _faults = new();
    private readonly Task _accepting;
    private bool _disposed;

    private ConnectionServer(TransportHost host, IConnectionListener listener, Func<ConnectionContext, Task> handler)
    {
        Host = host;
        _listener = listener;
        _handler = handler;
        _accepting = Task.Run(AcceptAsync);
    }

    public TransportHost Host { get; }

    public EndPoint EndPoint => _listener.EndPoint;

    /// <summary>What the handlers threw.</summary>
    public IReadOnlyCollection<Exception> Faults => _faults;

    /// <summary>Connections that are not disposed yet.</summary>
    public int Live => _connections.Count;

    public static async Task<ConnectionServer> StartAsync(
        TransportVariant variant,
        Func<ConnectionContext, Task> handler,
        TransportSettings? settings = null,
        EndPoint? endPoint = null)
    {
        var host = TransportHost.Create(variant, settings);
        try
        {
            return new ConnectionServer(host, await host.BindAsync(endPoint), handler);
        }
        catch
        {
            // The host is only handed over together with its listener.
            await host.DisposeAsync();
            throw;
        }
    }

    public Task<TestClient> ConnectAsync() => TestClient.ConnectAsync(EndPoint);

    /// <summary>Stops accepting; connections go on.</summary>
    public async Task UnbindAsync()
    {
        await _listener.UnbindAsync().Limited();
        await _accepting.Limited();
    }

    /// <summary>Stops, and fails the test if a handler failed, a connection does not end or memory does not come back.</summary>
    public async Task StopAsync(bool allowFaults = false)
    {
        await UnbindAsync();
        await Task.WhenAll(_connections.Values).Limited();
        await Host.VerifyPoolAsync();
        if (!allowFaults)
        {
            Assert.Empty(_faults);
        }

        await DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (Exception fault in _faults)
        {
            // When the test fails for what followed from a fault.
            TestContext.Current.TestOutputHelper?.WriteLine($"A handler failed: {fault}");
        }

        await _listener.UnbindAsync().Limited();
        foreach (ConnectionContext connection in _connections.Keys)
        {
            connection.Abort(new ConnectionAbortedException("The test is over."));
        }

        await Task.WhenAll(_connections.Values).Limited();
        await _listener.DisposeAsync().Limited();
        await Host.DisposeAsync().Limited();
    }

    private async Task AcceptAsync()
    {
        while (await _listener.AcceptAsync() is { } connection)
        {
            // The handler starts on the pool, never on the thread that accepts.
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _connections[connection] = RunAsync(connection, started.Task);
            started.SetResult();
        }
    }

    private async Task RunAsync(ConnectionContext connection, Task started)
    {
        await started;
        try
        {
            await _handler(connection);
        }
        catch (Exception fault)
        {
            // Kept for the test to look at; Kestrel logs and goes on as well.
            _faults.Enqueue(fault);
        }

        await connection.DisposeAsync();
        _connections.TryRemove(connection, out _);
    }
}
