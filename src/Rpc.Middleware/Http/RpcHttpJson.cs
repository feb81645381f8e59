using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Protobuf messages as JSON (protobuf.dev, "ProtoJSON Format"). Any thread.</summary>
internal sealed class RpcHttpJson
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly JsonFormatter _formatter;
    private readonly JsonParser _parser;

    public RpcHttpJson(RpcHttpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.Formatting, nameof(options));
        ArgumentNullException.ThrowIfNull(options.Parsing, nameof(options));
        _formatter = new JsonFormatter(options.Formatting);
        _parser = new JsonParser(options.Parsing);
    }

    /// <exception cref="RpcException">The text is not the message.</exception>
    public IMessage Read(in ReadOnlySequence<byte> text, MessageDescriptor descriptor)
    {
        try
        {
            return _parser.Parse(StrictUtf8.GetString(text), descriptor);
        }
        catch (Exception exception)
        {
            // Not JSON, not UTF-8, or not the message; the parser throws many things at what a peer may send.
            throw new RpcException(RpcErrorCode.Deserialization, $"The body is not the JSON of a {descriptor.Name}: {exception.Message}", exception);
        }
    }

    /// <exception cref="RpcException">The message cannot be written.</exception>
    public void Write(IMessage message, IBufferWriter<byte> output)
    {
        string text;
        try
        {
            text = _formatter.Format(message);
        }
        catch (Exception exception)
        {
            // An Any of a type that the registry does not know; or the message was changed meanwhile.
            throw new RpcException(
                RpcErrorCode.Serialization, $"A {message.GetType().Name} could not be written as JSON: {exception.Message}", exception);
        }

        Encoding.UTF8.GetBytes(text, output);
    }
}
