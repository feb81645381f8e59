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
    private readonly int _mostNesting;

    public RpcHttpJson(RpcHttpOptions options)
    {
        ArgumentNullException.ThrowIfNull(options.Formatting, nameof(options));
        ArgumentNullException.ThrowIfNull(options.Parsing, nameof(options));
        _formatter = new JsonFormatter(options.Formatting);
        _parser = new JsonParser(options.Parsing);
        _mostNesting = options.Parsing.RecursionLimit;
    }

    /// <exception cref="RpcException">The text is not the message.</exception>
    public IMessage Read(in ReadOnlySequence<byte> text, MessageDescriptor descriptor)
    {
        // The parser counts objects alone, and calls itself for lists without a bound: their nesting would end the process.
        if (IsNestedDeeper(text, _mostNesting))
        {
            throw new RpcException(RpcErrorCode.Deserialization, $"The body is not the JSON of a {descriptor.Name}: it is nested deeper than {_mostNesting}.");
        }

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

    // Whatever is no JSON is found out later.
    private static bool IsNestedDeeper(in ReadOnlySequence<byte> text, int most)
    {
        int depth = 0;
        bool isString = false;
        bool isEscaped = false;
        foreach (ReadOnlyMemory<byte> part in text)
        {
            foreach (byte b in part.Span)
            {
                if (isString)
                {
                    isString = isEscaped || b != '"';
                    isEscaped = !isEscaped && b == '\\';
                }
                else if (b is (byte)'[' or (byte)'{')
                {
                    if (++depth > most)
                    {
                        return true;
                    }
                }
                else if (b is (byte)']' or (byte)'}')
                {
                    depth--;
                }
                else
                {
                    isString = b == '"';
                }
            }
        }

        return false;
    }
}
