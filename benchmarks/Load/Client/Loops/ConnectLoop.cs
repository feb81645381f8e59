using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>
/// A closed loop of short connections: connect, send 64 bytes, read them back, send FIN, read the server's FIN, close; then the same
/// again. A number of them are under way at any time. One request of the tally is one whole connection.
/// </summary>
/// <remarks>
/// The client closes first, as HTTP clients do, so the closed connections wait for a minute (TIME_WAIT) on its side. It goes through
/// <see cref="Sources"/> source addresses of 127.0.0.0/8, each with ephemeral ports of its own, so that none has to be waited for.
/// </remarks>
internal sealed unsafe class ConnectLoop : ILoadLoop
{
    /// <summary>With some 28,000 ephemeral ports each that is enough for 45,000 connections a second.</summary>
    private const int Sources = 100;

    private const uint FirstSource = 0x7f000002;
    private const uint Loopback = 0x7f000001;
    private const int EventsPerWait = 256;
    private const int LongestWaitMilliseconds = 50;

    private readonly Slot[] _slots;
    private readonly EpollEvents _events = new(EventsPerWait);
    private readonly EpollEvents _watch = new(1);
    private readonly int _epoll;
    private Tally _tally = new();
    private ushort _port;
    private uint _opened;

    public ConnectLoop(int connections)
    {
        _slots = new Slot[connections];
        Array.Fill(_slots, new Slot { Descriptor = -1 });
        _epoll = Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1");
    }

    public void Start(int port)
    {
        _port = (ushort)port;
        for (int i = 0; i < _slots.Length; i++)
        {
            Open(i);
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
                Receive((int)_events.Data(i));
            }
        }
    }

    public void Dispose()
    {
        foreach (Slot slot in _slots)
        {
            if (slot.Descriptor >= 0)
            {
                Check(Libc.close(slot.Descriptor), "close");
            }
        }

        Check(Libc.close(_epoll), "close");
        _events.Dispose();
        _watch.Dispose();
    }

    private void Open(int index)
    {
        ref Slot slot = ref _slots[index];
        slot.Started = Stopwatch.GetTimestamp();
        slot.Sequence = _opened++;
        slot.Received = 0;
        int descriptor = Check(Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0), "socket");
        slot.Descriptor = descriptor;

        // The port is chosen at connect, when the kernel knows the other end: then only the same four numbers are in its way.
        int on = 1;
        Check(Libc.setsockopt(descriptor, Libc.IPPROTO_IP, Libc.IP_BIND_ADDRESS_NO_PORT, &on, sizeof(int)), "setsockopt");
        var from = Libc.SockaddrIn.Of(FirstSource + (slot.Sequence % Sources), 0);
        Check(Libc.bind(descriptor, &from, sizeof(Libc.SockaddrIn)), "bind");

        // Blocking: on the loopback the handshake is over when the call returns, as long as the server's backlog has room.
        var to = Libc.SockaddrIn.Of(Loopback, _port);
        Check(Libc.connect(descriptor, &to, sizeof(Libc.SockaddrIn)), "connect");
        _watch.Set(0, Libc.EPOLLIN, (ulong)index);
        Check(Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, descriptor, _watch.Pointer), "epoll_ctl");

        byte* message = stackalloc byte[EchoExchange.MessageSize];
        Write(message, slot.Sequence);
        nint sent = Libc.send(descriptor, message, EchoExchange.MessageSize, Libc.MSG_NOSIGNAL);
        if (sent != EchoExchange.MessageSize)
        {
            throw new LoadException($"send: {new Win32Exception().Message}");
        }
    }

    private void Receive(int index)
    {
        ref Slot slot = ref _slots[index];
        byte* input = stackalloc byte[EchoExchange.MessageSize + 1];
        nint received = Libc.recv(slot.Descriptor, input, EchoExchange.MessageSize + 1, Libc.MSG_DONTWAIT);
        if (received < 0)
        {
            throw new LoadException($"recv: {new Win32Exception().Message}");
        }

        if (received == 0)
        {
            Close(index);
            return;
        }

        // An echo in pieces would be a rarity; each is compared where it belongs.
        byte* expected = stackalloc byte[EchoExchange.MessageSize];
        Write(expected, slot.Sequence);
        int rest = EchoExchange.MessageSize - slot.Received;
        if (received > rest || !new ReadOnlySpan<byte>(input, (int)received).SequenceEqual(new ReadOnlySpan<byte>(expected + slot.Received, (int)received)))
        {
            throw new LoadException($"the echo of {EchoExchange.MessageSize} bytes came back as other bytes");
        }

        slot.Received += (int)received;
        if (slot.Received == EchoExchange.MessageSize)
        {
            Check(Libc.shutdown(slot.Descriptor, Libc.SHUT_WR), "shutdown");
        }
    }

    private void Close(int index)
    {
        ref Slot slot = ref _slots[index];
        if (slot.Received != EchoExchange.MessageSize)
        {
            throw new LoadException("the server closed a connection before it answered");
        }

        // Not left to the close: a child process between its fork and its exec holds a copy, whose events would be taken for the next's.
        Check(Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_DEL, slot.Descriptor, _watch.Pointer), "epoll_ctl");
        Check(Libc.close(slot.Descriptor), "close");
        slot.Descriptor = -1;
        _tally.Record(slot.Started, Stopwatch.GetTimestamp());
        Open(index);
    }

    /// <summary>A message that only this connection sends.</summary>
    private static void Write(byte* message, uint sequence)
    {
        var span = new Span<byte>(message, EchoExchange.MessageSize);
        span.Fill((byte)sequence);
        BinaryPrimitives.WriteUInt32BigEndian(span, sequence);
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new LoadException($"{call}: {new Win32Exception().Message}");

    private struct Slot
    {
        public int Descriptor;
        public uint Sequence;
        public int Received;
        public long Started;
    }
}
