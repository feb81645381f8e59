using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// JSON. How long a text is shows when it is written; so <see cref="GetSize"/> writes it, and <see cref="Serialize"/>, which follows on the same
/// thread, copies it.
/// </summary>
internal sealed class JsonCodec<T>(JsonTypeInfo<T> typeInfo) : IRpcCodec<T>
{
    // A longer text is not kept: every thread that ever serialised one would hold as much.
    private const int MostKept = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_text;

    [ThreadStatic]
    private static Utf8JsonWriter? t_writer;

    public int GetSize(T message)
    {
        ArrayBufferWriter<byte> text = t_text ??= new ArrayBufferWriter<byte>();
        Utf8JsonWriter writer = t_writer ??= new Utf8JsonWriter(text, new JsonWriterOptions { SkipValidation = true });
        text.ResetWrittenCount();
        writer.Reset(text);
        JsonSerializer.Serialize(writer, message, typeInfo);
        writer.Flush();
        return text.WrittenCount;
    }

    public void Serialize(T message, Span<byte> destination)
    {
        ArrayBufferWriter<byte> text = t_text ?? throw new InvalidOperationException("The size of the message was not asked for.");
        text.WrittenSpan.CopyTo(destination);
        if (text.Capacity > MostKept)
        {
            t_text = null;
            t_writer = null; // which holds the text
        }
    }

    public T Deserialize(in ReadOnlySequence<byte> source)
    {
        var reader = new Utf8JsonReader(source);
        T? message = JsonSerializer.Deserialize(ref reader, typeInfo);
        if (message is null)
        {
            throw new JsonException("The text is 'null'.");
        }

        // The rest may be white space; Read says so, or throws.
        return reader.Read() ? throw new JsonException("There is something behind the message.") : message;
    }
}
