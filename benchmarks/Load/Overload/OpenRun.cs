using System.Diagnostics;
using System.Net.Sockets;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>The client: calls fall due at even distances, whatever the server does. One thread, which sends on all connections in turn.</summary>
internal sealed class OpenRun : IDisposable
{
    // How exact due times are. It waits for replies so long at most.
    private const int WaitMicroseconds = 200;

    private readonly OpenConnection[] _connections;
    private readonly List<Socket> _readable = [];
    private readonly Dictionary<Socket, OpenConnection> _bySocket;
    private int _next;

    public OpenRun(int connections, int port)
    {
        _connections = [.. Enumerable.Range(0, connections).Select(_ => new OpenConnection())];
        for (int i = 0; i < connections; i++)
        {
            _connections[i].Connect(port, i);
        }

        _bySocket = _connections.ToDictionary(connection => connection.Socket);
    }

    private int UnderWay => _connections.Sum(connection => connection.UnderWay);

    /// <summary>Offers a load for a time.</summary>
    public void Run(double callsPerSecond, TimeSpan time, OpenTally tally, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        long end = begin + (long)(time.TotalSeconds * Stopwatch.Frequency);
        double ticksPerCall = Stopwatch.Frequency / callsPerSecond;
        long count = 0;
        for (long now = begin; now < end; now = Stopwatch.GetTimestamp())
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (long due; (due = begin + (long)(count * ticksPerCall)) <= now; count++)
            {
                tally.Offered++;
                _next = _next + 1 < _connections.Length ? _next + 1 : 0;
                tally.Unsent += _connections[_next].TryCall(due) ? 0 : 1;
            }

            foreach (OpenConnection connection in _connections)
            {
                connection.Flush();
            }

            Receive(tally);
        }
    }

    /// <summary>Waits until everything is answered.</summary>
    /// <returns>False if that takes longer than a time.</returns>
    public bool Settle(TimeSpan longest, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        OpenTally nobodys = new(TimeSpan.Zero);
        while (UnderWay > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(begin) > longest)
            {
                return false;
            }

            foreach (OpenConnection connection in _connections)
            {
                connection.Flush();
            }

            Receive(nobodys);
        }

        return true;
    }

    public void Dispose()
    {
        foreach (OpenConnection connection in _connections)
        {
            connection.Dispose();
        }
    }

    private void Receive(OpenTally tally)
    {
        _readable.Clear();
        _readable.AddRange(_bySocket.Keys);
        Socket.Select(_readable, null, null, WaitMicroseconds);
        long now = Stopwatch.GetTimestamp();
        foreach (Socket socket in _readable)
        {
            _bySocket[socket].Receive(now, tally);
        }
    }
}
