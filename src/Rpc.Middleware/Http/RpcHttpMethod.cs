using System.Buffers;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A method that is reached over HTTP: its messages in the formats of HTTP. Made when the routes are built; immutable. Any thread.</summary>
internal sealed class RpcHttpMethod
{
    private readonly RpcHttpJson _json;
    private readonly MessageDescriptor? _request; // null unless it is protobuf, and there is one

    /// <exception cref="InvalidOperationException">Its messages have no form in HTTP.</exception>
    public RpcHttpMethod(RpcEndpoint endpoint, RpcHttpJson json)
    {
        _json = json;
        Endpoint = endpoint;
        Description = endpoint.Metadata.GetMetadata<RpcMethod>();
        RequestKind = Description?.RequestKind ?? RpcMessageKind.Protobuf;
        ReplyKind = endpoint.ReplyFormat.Kind;
        if (RequestKind == RpcMessageKind.Other || ReplyKind == RpcMessageKind.Other)
        {
            throw new InvalidOperationException(
                $"The RPC method '{endpoint.Name}' has WithHttp(), and a codec that is neither protobuf nor JSON: HTTP callers could not read its messages.");
        }

        if (RequestKind == RpcMessageKind.Protobuf && endpoint.Parser is { } parser)
        {
            // No bytes are a message with nothing set: the way to its description that needs no reflection.
            _request = ((IMessage)parser(ReadOnlySequence<byte>.Empty)).Descriptor;
        }
    }

    public RpcEndpoint Endpoint { get; }

    /// <summary>What generated code says of it; null for a delegate.</summary>
    public RpcMethod? Description { get; }

    public RpcMessageKind RequestKind { get; }

    public RpcMessageKind ReplyKind { get; }

    /// <summary>Reads the request.</summary>
    /// <param name="body">All of it.</param>
    /// <param name="isJson">Whether it is JSON; else it is protobuf, which the method takes.</param>
    /// <exception cref="RpcException">It is not the message.</exception>
    public object Read(in ReadOnlySequence<byte> body, bool isJson) =>
        isJson && _request is not null ? _json.Read(body, _request) : Endpoint.Parser!(body);

    /// <summary>Writes a reply.</summary>
    /// <param name="reply">The message.</param>
    /// <param name="isJson">Whether as JSON; else as protobuf, which it is.</param>
    /// <param name="output">Where it goes.</param>
    /// <exception cref="RpcException">It cannot be written.</exception>
    public void Write(object reply, bool isJson, IBufferWriter<byte> output)
    {
        if (isJson && ReplyKind == RpcMessageKind.Protobuf && reply is IMessage message)
        {
            _json.Write(message, output);
            return;
        }

        int size = Endpoint.ReplyFormat.Measure(reply); // throws if it is no message
        Endpoint.ReplyFormat.Write(reply, output.GetSpan(size)[..size]);
        output.Advance(size);
    }
}
