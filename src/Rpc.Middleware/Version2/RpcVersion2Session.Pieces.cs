using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Requests that come in pieces.</remarks>
internal sealed partial class RpcVersion2Session
{
    // What requests in pieces may take together, in longest messages.
    private const int LongestMessagesAtOnce = 4;

    private readonly Dictionary<uint, RpcCall> _incoming = []; // under way, and something of the request is missing
    private readonly int _maxMessageLength;
    private long _collected; // bytes that messages in pieces have or will have, until handlers get them; any thread

    /// <summary>Counts a message that comes in pieces.</summary>
    public void StartCollecting(long length) => Interlocked.Add(ref _collected, length);

    /// <summary>Counts it no more. Any thread.</summary>
    public void StopCollecting(long length) => Interlocked.Add(ref _collected, -length);

    private bool OnData(in RpcFrame frame)
    {
        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        RpcHeaderError error = RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header);
        if (error != RpcHeaderError.None)
        {
            return Refuse(error, frame);
        }

        long cost = (header.Flags & RpcCallBits.NoMessage) == 0 ? RpcCredit.CostOf((int)frame.Header.BodyLength) : 0;
        uint id = frame.Header.SequenceId;
        if (_active.Find(id)?.Version2!.Stream is { } stream)
        {
            return stream.TryReceive(header, frame.Body, cost, out RpcGoAwayCode code) || RefuseData(code);
        }

        // What is collected is bounded by the limits of messages, so all of it is given back at once.
        if (!RequestCredit.TryPass(cost))
        {
            return RefuseData(RpcGoAwayCode.FlowControlError);
        }

        if (!_incoming.TryGetValue(id, out RpcCall? call))
        {
            _floods.OnStray(_connection.ReadAt); // the call has ended, or never was
            return true;
        }

        RpcVersion2Call state = call.Version2!;
        if (!state.TryReceive(cost, out int grant))
        {
            return RefuseData(RpcGoAwayCode.FlowControlError);
        }

        if ((header.Flags & RpcCallBits.End) == 0 && grant > 0)
        {
            SendCredit(id, grant);
        }

        return Collect(call, state, id, header, frame.Body);
    }

    private bool RefuseData(RpcGoAwayCode code) => Refuse(
        code, code == RpcGoAwayCode.FlowControlError ? "DATA beyond the credit of its call or of the connection." : "The pieces of a message do not fit together.");

    private bool Collect(RpcCall call, RpcVersion2Call state, uint id, scoped in RpcReceivedHeader header, in ReadOnlySequence<byte> body)
    {
        _incoming[id] = call;
        if (header.Encoding != RpcEncoding.None)
        {
            state.RequestEncoding = header.Encoding;
        }

        state.IsRequestOver |= (header.Flags & RpcCallBits.End) != 0;
        if ((header.Flags & RpcCallBits.NoMessage) == 0)
        {
            if (state.Message is not null)
            {
                EndCollecting(state, id);
                Fail(call, RpcFault.Of(RpcStatusCode.InvalidArgument, "The method takes one message."));
                return true;
            }

            state.Assembly ??= new RpcMessageAssembly(_maxMessageLength);
            if (!state.Assembly.IsUnderWay)
            {
                if (FindFaultOfMessage(header, body.Length, state.RequestEncoding) is { } fault)
                {
                    EndCollecting(state, id);
                    Fail(call, fault);
                    return true;
                }

                state.Collected = Math.Max(header.MessageLength, body.Length);
                StartCollecting(state.Collected);
            }

            RpcAssemblyResult result = state.Assembly.Add(header, body, out RpcPooledMessage? message);
            switch (result)
            {
                case RpcAssemblyResult.Mismatch:
                    return Refuse(RpcGoAwayCode.ProtocolError, "The pieces of a message do not fit together.");
                case RpcAssemblyResult.TooLong:
                    EndCollecting(state, id);
                    Fail(call, RpcFault.Of(RpcStatusCode.ResourceExhausted, "The message is over the limit."));
                    return true;
            }

            state.Message = message;
        }

        if (state.IsRequestOver && !(state.Assembly is { IsUnderWay: true }))
        {
            EndCollecting(state, id);
            Start(call, state);
        }

        return true;
    }

    private void Start(RpcCall call, RpcVersion2Call state)
    {
        if (state.Message is not { } message)
        {
            Fail(call, RpcFault.Of(RpcStatusCode.InvalidArgument, "The method takes a message, and there is none."));
            return;
        }

        state.Message = null;
        if (state.TimeLeft <= TimeSpan.Zero)
        {
            message.Dispose();
            Fail(call, NotProcessed(RpcStatusCode.DeadlineExceeded, "The time for the call was over when the whole request had come."));
            return;
        }

        // The attachment stays where it is until the call ends; the request holds copies.
        bool hasAttachment = message.Attachment.Length > 0;
        state.RequestWithAttachment = hasAttachment ? message : null;
        try
        {
            if (message.IsCompressed)
            {
                using RpcPooledMessage plain = RpcRequestDecoding.Decompress(state.RequestEncoding, message.Message, _maxMessageLength);
                long growth = plain.Length - message.Message.Length;
                if (TryGrow(growth))
                {
                    state.Grown = Math.Max(0, growth);
                    _connection.Run(call, state.Route!, plain.Message);
                }
                else
                {
                    Fail(call, NotProcessed(RpcStatusCode.ResourceExhausted, GrowsTooMuch));
                }
            }
            else
            {
                _connection.Run(call, state.Route!, message.Message);
            }
        }
        catch (RpcException exception)
        {
            // Only of what is decompressed; whatever the handler throws stays in its call.
            Fail(call, RpcFault.Of(exception.StatusCode, exception.Message));
        }
        finally
        {
            if (!hasAttachment)
            {
                message.Dispose();
            }
        }
    }

    /// <summary>Ends the calls whose time has run out before their request was whole.</summary>
    public void EndLateCalls()
    {
        foreach ((uint id, RpcCall call) in _incoming)
        {
            if (call.Version2!.CancelledWith is { } code)
            {
                EndCollecting(call.Version2!, id);
                Fail(call, NotProcessed(code, "The call was over before its request was whole."));
            }
        }
    }

    private void EndCollecting(RpcVersion2Call state, uint id)
    {
        _incoming.Remove(id);
        StopCollecting(state.Collected);
        state.Collected = 0;
    }

    private void SendCredit(uint id, int bytes) =>
        _connection.SendControl(new RpcControlItem(output => RpcControlFrame.WriteCredit(output, id, bytes)));
}
