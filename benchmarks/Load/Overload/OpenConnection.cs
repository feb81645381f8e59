using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Client.Loops;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>A connection of version 2 whose calls are sent when they fall due, whatever became of those before. Of the client's one thread.</summary>
internal sealed class OpenConnection : IDisposable
{
    private const int BufferLength = 64 * 1024;
    private const int LongestRequest = 128;
    private const int Ids = 1 << 16; // more than a server takes at once

    private static readonly byte[] MethodName = Encoding.UTF8.GetBytes("helloworld/Hello");
    private static readonly byte[] Body = new HelloRequest { Msg = "world" }.ToByteArray();

    private readonly long[] _due = new long[Ids]; // by the lower bits of the id; 0: not under way
    private readonly byte[] _input = new byte[BufferLength];
    private readonly byte[] _output = new byte[BufferLength];
    private int _received;
    private int _unsent;
    private uint _id;

    /// <summary>Nonblocking, once connected.</summary>
    public Socket Socket { get; } = LoopbackSocket.Create();

    /// <summary>Calls whose reply has not come.</summary>
    public int UnderWay { get; private set; }

    public void Connect(int port, int index)
    {
        LoopbackSocket.Connect(Socket, port, index);
        Socket.Blocking = false;
    }

    /// <summary>Makes a call.</summary>
    /// <returns>False if there is no room, because the server does not read.</returns>
    public bool TryCall(long due)
    {
        uint id = _id + 1;
        if (_output.Length - _unsent < LongestRequest || _due[id % Ids] != 0)
        {
            return false;
        }

        _id = id;
        _due[id % Ids] = due;
        UnderWay++;
        RpcMethodReference method = id == 1 ? new RpcMethodReference(1, MethodName) : new RpcMethodReference(1);
        Span<byte> output = _output.AsSpan(_unsent);
        int start = RpcCallFrameWriter.WriteStart(
            output, RpcFrameType.Request, id, method, new RpcCallHeader { Flags = RpcCallBits.End }, Body.Length, RpcFrameRules.DefaultVersion2Limits);
        Body.CopyTo(output[start..]);
        _unsent += start + Body.Length;
        return true;
    }

    /// <summary>Sends what the kernel takes.</summary>
    public void Flush()
    {
        if (_unsent == 0)
        {
            return;
        }

        int sent = Socket.Send(_output.AsSpan(0, _unsent), SocketFlags.None, out SocketError error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            throw new LoadException($"cannot send: {error}");
        }

        if (error == SocketError.Success)
        {
            _output.AsSpan(sent, _unsent - sent).CopyTo(_output);
            _unsent -= sent;
        }
    }

    /// <summary>Takes the replies that are there.</summary>
    public void Receive(long now, OpenTally tally)
    {
        int count = Socket.Receive(_input.AsSpan(_received), SocketFlags.None, out SocketError error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        if (error != SocketError.Success || count == 0)
        {
            throw new LoadException($"the server has closed a connection: {error}");
        }

        _received += count;
        int taken = Take(_input.AsSpan(0, _received), now, tally);
        _input.AsSpan(taken, _received - taken).CopyTo(_input);
        _received -= taken;
    }

    public void Dispose() => Socket.Dispose();

    /// <summary>Takes whole frames.</summary>
    /// <returns>Bytes taken.</returns>
    internal int Take(ReadOnlySpan<byte> input, long now, OpenTally tally)
    {
        int taken = 0;
        while (RpcFrameReader.TryReadHeader(input[taken..], RpcFrameRules.Default, out RpcFrameHeader header, out RpcFrameError error) != RpcFrameReadStatus.NeedMore)
        {
            if (error.Kind != RpcFrameErrorKind.None)
            {
                throw new LoadException($"not a frame: {error}");
            }

            if (input.Length - taken < header.FrameLength)
            {
                break;
            }

            ReadOnlySpan<byte> frame = input.Slice(taken, (int)header.FrameLength);
            taken += frame.Length;
            if (header.Type == RpcFrameType.Response)
            {
                OnResponse(header, frame.Slice(RpcFrameHeader.Size, (int)header.ProtocolDataLength), now, tally);
            }
            else if (header.Type != RpcFrameType.Settings)
            {
                throw new LoadException($"not expected: {header}");
            }
        }

        return taken;
    }

    private void OnResponse(RpcFrameHeader header, ReadOnlySpan<byte> bytes, long now, OpenTally tally)
    {
        ref long due = ref _due[header.SequenceId % Ids];
        UnderWay--;
        if (RpcReceivedHeader.Read(header, bytes, out RpcReceivedHeader read) != RpcHeaderError.None || due == 0)
        {
            throw new LoadException($"not a reply: {header}");
        }

        if (header.BodyLength > 0)
        {
            tally.Accept(due, now);
        }
        else if (read.StatusCode == RpcStatusCode.ResourceExhausted)
        {
            tally.Refused++;
        }
        else
        {
            throw new LoadException($"a call failed: {read.ToStatus()}");
        }

        due = 0;
    }
}
