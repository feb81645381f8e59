using System.Buffers;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>One connection of version 2 with 64 calls at a time, each with its CANCEL right behind it or without. Of one thread.</summary>
internal sealed class RapidCancelRun : IDisposable
{
    private const int CallsAtOnce = 64;
    private const int LongestCall = 128;

    private static readonly byte[] Body = new HelloRequest { Msg = "world" }.ToByteArray();

    private readonly Socket _socket = LoopbackSocket.Create();
    private readonly ArrayBufferWriter<byte> _output = new(CallsAtOnce * LongestCall);
    private readonly byte[] _input = new byte[64 * 1024];
    private readonly byte[] _method;
    private readonly bool _cancels;
    private int _received;
    private uint _id;

    public RapidCancelRun(int port, string method, bool cancels)
    {
        _method = Encoding.UTF8.GetBytes(method);
        _cancels = cancels;
        LoopbackSocket.Connect(_socket, port, 0);
    }

    /// <summary>Makes calls for a time, and waits until all have ended.</summary>
    /// <returns>How many there were.</returns>
    public long Run(TimeSpan time, CancellationToken cancellationToken)
    {
        long begin = Stopwatch.GetTimestamp();
        long calls = 0;
        while (Stopwatch.GetElapsedTime(begin) < time)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _output.ResetWrittenCount();
            for (int i = 0; i < CallsAtOnce; i++)
            {
                Write();
            }

            for (ReadOnlyMemory<byte> left = _output.WrittenMemory; left.Length > 0;)
            {
                left = left[_socket.Send(left.Span)..];
            }

            for (int ended = 0; ended < CallsAtOnce;)
            {
                ended += Receive();
            }

            calls += CallsAtOnce;
        }

        return calls;
    }

    public void Dispose() => _socket.Dispose();

    private void Write()
    {
        uint id = ++_id;
        RpcMethodReference method = id == 1 ? new RpcMethodReference(1, _method) : new RpcMethodReference(1);
        Span<byte> output = _output.GetSpan(LongestCall);
        int start = RpcCallFrameWriter.WriteStart(
            output, RpcFrameType.Request, id, method, new RpcCallHeader { Flags = RpcCallBits.End }, Body.Length, RpcFrameRules.DefaultVersion2Limits);
        Body.CopyTo(output[start..]);
        _output.Advance(start + Body.Length);
        if (_cancels)
        {
            RpcControlFrame.WriteCancel(_output, id);
        }
    }

    // How many calls have ended.
    private int Receive()
    {
        int count = _socket.Receive(_input.AsSpan(_received));
        if (count == 0)
        {
            throw new LoadException("the server has closed the connection");
        }

        _received += count;
        int taken = 0;
        int ended = 0;
        while (RpcFrameReader.TryReadHeader(_input.AsSpan(taken, _received - taken), RpcFrameRules.Default, out RpcFrameHeader header, out RpcFrameError error) != RpcFrameReadStatus.NeedMore)
        {
            if (error.Kind != RpcFrameErrorKind.None || header.Type is not (RpcFrameType.Response or RpcFrameType.Settings))
            {
                throw new LoadException($"not expected: {header} {error}");
            }

            if (_received - taken < header.FrameLength)
            {
                break;
            }

            ended += header.Type == RpcFrameType.Response ? 1 : 0;
            taken += (int)header.FrameLength;
        }

        _input.AsSpan(taken, _received - taken).CopyTo(_input);
        _received -= taken;
        return ended;
    }
}
