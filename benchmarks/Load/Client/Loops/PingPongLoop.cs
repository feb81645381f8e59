using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Client.Loops;

/// <summary>
/// One message on one connection, again and again: what an answer takes when nothing waits in line. No epoll is between the client and its
/// socket; it sleeps in the receive, or asks again and again until the answer is there.
/// </summary>
internal sealed unsafe class PingPongLoop : ILoadLoop
{
    private readonly LoadConnection _connection = new(new EchoExchange(connection: 0));
    private readonly byte[] _input = GC.AllocateArray<byte>(EchoExchange.MessageSize + 1, pinned: true);
    private readonly byte[] _output = GC.AllocateArray<byte>(EchoExchange.MessageSize, pinned: true);
    private readonly int _receiveFlags;

    /// <param name="spin">Whether it asks again and again instead of sleeping.</param>
    public PingPongLoop(bool spin) => _receiveFlags = spin ? Libc.MSG_DONTWAIT : 0;

    public void Start(int port) => _connection.Connect(port, index: 0, blocking: true);

    /// <summary>Ends between two messages: the next phase has none under way.</summary>
    public void RunUntil(long end, Tally tally)
    {
        long now = Stopwatch.GetTimestamp();
        int length = _connection.Exchange.Begin(_output, now);
        while (now < end)
        {
            Send(length);
            int received = 0;
            do
            {
                received += Receive(received);
                now = Stopwatch.GetTimestamp();
            }
            while (_connection.Exchange.Advance(_input.AsSpan(0, received), _output, now, tally, out length) == 0);
        }
    }

    public void Dispose() => _connection.Dispose();

    private void Send(int length)
    {
        fixed (byte* output = _output)
        {
            if (Libc.send(_connection.Descriptor, output, (nuint)length, Libc.MSG_NOSIGNAL) != length)
            {
                throw new LoadException($"send: {new Win32Exception().Message}");
            }
        }
    }

    /// <summary>Receives behind what is there already.</summary>
    private int Receive(int length)
    {
        fixed (byte* input = _input)
        {
            while (true)
            {
                nint received = Libc.recv(_connection.Descriptor, input + length, (nuint)(_input.Length - length), _receiveFlags);
                if (received > 0)
                {
                    return (int)received;
                }

                int error = Marshal.GetLastPInvokeError();
                if (received == 0 || error is not (Libc.EAGAIN or Libc.EINTR))
                {
                    throw new LoadException(received == 0 ? "the connection was closed by the server" : $"recv: {new Win32Exception(error).Message}");
                }
            }
        }
    }
}
