using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Tells good replies from error replies.</summary>
internal static class ReplyReader
{
    /// <summary>Reads the protocol data of a reply.</summary>
    /// <returns>Null if the reply is good; else what the call fails with.</returns>
    public static RpcException? Read(in RpcFrame frame, RpcMethodName method)
    {
        // A good reply echoes the request's protocol data; then there is nothing to parse.
        if (IsEcho(frame.ProtocolData, method.ProtocolData.Span))
        {
            return null;
        }

        if (!RpcProtocolData.TryReadReply(frame.ProtocolData, out RpcProtocolData data, out RpcProtocolDataError error))
        {
            return new RpcException(RpcErrorCode.Decoding, $"The protocol data of the reply to {method} is bad: {error}.");
        }

        if (data.ErrorCode is null)
        {
            return null;
        }

        return RpcErrorCodeExtensions.TryParseWireName(data.ErrorCode, out RpcErrorCode code)
            ? new RpcException(code, data.ErrorMessage ?? $"{method} failed without a message.")
            : new RpcException(RpcErrorCode.Server, $"{data.ErrorCode}: {data.ErrorMessage}");
    }

    private static bool IsEcho(in ReadOnlySequence<byte> protocolData, ReadOnlySpan<byte> request)
    {
        if (protocolData.IsSingleSegment)
        {
            return protocolData.FirstSpan.SequenceEqual(request);
        }

        SequenceReader<byte> reader = new(protocolData);
        return protocolData.Length == request.Length && reader.IsNext(request);
    }
}
