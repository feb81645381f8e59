using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>
/// A closed loop over many connections on one thread: epoll tells which connections have replies, each reply is answered by the
/// next request at once. Written straight on the system calls, so that the server is the slower side.
/// </summary>
internal sealed unsafe class RequestLoop : ILoadLoop
{
    private const int EventsPerWait = 1024;

    /// <summary>So that the end of a phase is seen when no reply comes.</summary>
    private const int LongestWaitMilliseconds = 50;

    /// <summary>Replies of every call in flight on a connection fit, so that one receive takes them all.</summary>
    private const int ReceiveSize = 256 * 1024;

    private readonly LoadConnection[] _connections;
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(ReceiveSize, pinned: true);
    private readonly byte[] _output;
    private readonly EpollEvents _events = new(EventsPerWait);
    private readonly int _epoll;
    private Tally _tally = new();

    public RequestLoop(IEnumerable<Exchange> exchanges)
    {
        _connections = [.. exchanges.Select(exchange => new LoadConnection(exchange))];
        _output = GC.AllocateArray<byte>(_connections.Max(connection => connection.Exchange.MaximumOutput), pinned: true);
        _epoll = Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC));
    }

    public void Start(int port)
    {
        for (int i = 0; i < _connections.Length; i++)
        {
            _connections[i].Connect(port, i);
            Watch(i, Libc.EPOLL_CTL_ADD, Libc.EPOLLIN);
        }

        for (int i = 0; i < _connections.Length; i++)
        {
            Send(i, _connections[i].Exchange.Begin(_output, Stopwatch.GetTimestamp()));
        }
    }

    public void RunUntil(long end, Tally tally)
    {
        _tally = tally;
        while (Stopwatch.GetTimestamp() < end)
        {
            int count = Libc.epoll_wait(_epoll, _events.Pointer, EventsPerWait, LongestWaitMilliseconds);
            if (count < 0 && Marshal.GetLastPInvokeError() != Libc.EINTR)
            {
                throw new Win32Exception();
            }

            for (int i = 0; i < count; i++)
            {
                uint events = _events.Events(i);
                int connection = (int)_events.Data(i);
                if ((events & Libc.EPOLLOUT) != 0)
                {
                    SendRest(connection);
                }

                // An error or a hang-up without input is found by the receive as well.
                if ((events & ~Libc.EPOLLOUT) != 0)
                {
                    Receive(connection);
                }
            }
        }
    }

    public void Dispose()
    {
        foreach (LoadConnection connection in _connections)
        {
            connection.Dispose();
        }

        Check(Libc.close(_epoll));
        _events.Dispose();
    }

    private void Receive(int index)
    {
        LoadConnection connection = _connections[index];
        PendingBytes kept = connection.Received;
        int length = kept.Length;
        kept.Span.CopyTo(_input);
        kept.Drop(length);
        nint received;
        fixed (byte* input = _input)
        {
            received = Libc.recv(connection.Descriptor, input + length, (nuint)(_input.Length - length), Libc.MSG_DONTWAIT);
        }

        if (received <= 0)
        {
            throw new LoadException(received == 0
                ? $"connection {index} was closed by the server"
                : $"connection {index}: {new Win32Exception().Message}");
        }

        ReadOnlySpan<byte> all = _input.AsSpan(0, length + (int)received);
        int taken = connection.Exchange.Advance(all, _output, Stopwatch.GetTimestamp(), _tally, out int written);
        if (taken < all.Length)
        {
            kept.Append(all[taken..]);
        }

        if (written > 0)
        {
            Send(index, written);
        }
    }

    private void Send(int index, int length)
    {
        LoadConnection connection = _connections[index];
        ReadOnlySpan<byte> requests = _output.AsSpan(0, length);
        int sent = connection.Unsent.Length > 0 ? 0 : TrySend(index, requests);
        if (sent < length)
        {
            connection.Unsent.Append(requests[sent..]);
            Watch(index, Libc.EPOLL_CTL_MOD, Libc.EPOLLIN | Libc.EPOLLOUT);
        }
    }

    private void SendRest(int index)
    {
        PendingBytes unsent = _connections[index].Unsent;
        unsent.Drop(TrySend(index, unsent.Span));
        if (unsent.Length == 0)
        {
            Watch(index, Libc.EPOLL_CTL_MOD, Libc.EPOLLIN);
        }
    }

    private int TrySend(int index, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* start = bytes)
        {
            nint sent = Libc.send(_connections[index].Descriptor, start, (nuint)bytes.Length, Libc.MSG_NOSIGNAL | Libc.MSG_DONTWAIT);
            if (sent < 0 && Marshal.GetLastPInvokeError() != Libc.EAGAIN)
            {
                throw new LoadException($"connection {index}: {new Win32Exception().Message}");
            }

            return (int)Math.Max(sent, 0);
        }
    }

    private void Watch(int index, int operation, uint events)
    {
        using var one = new EpollEvents(1);
        one.Set(0, events, (ulong)index);
        Check(Libc.epoll_ctl(_epoll, operation, _connections[index].Descriptor, one.Pointer));
    }

    private static int Check(int result) => result >= 0 ? result : throw new Win32Exception();
}
