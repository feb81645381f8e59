using System.Text.Json.Serialization.Metadata;
using Google.Protobuf;

namespace Kestrel.Rpc.Protocol;

/// <summary>The codecs that come with the library.</summary>
public static class RpcCodec
{
    /// <summary>The codec of a protobuf message. No reflection: fit for trimming and Native AOT.</summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <returns>The same object each time.</returns>
    public static IRpcCodec<T> Protobuf<T>()
        where T : IMessage<T>, new() => ProtobufFormat<T>.Instance;

    /// <summary>
    /// A codec of UTF-8 JSON by <c>System.Text.Json</c>. With the type information of a source-generated <c>JsonSerializerContext</c> it needs no
    /// reflection. Make one a type and keep it.
    /// </summary>
    /// <typeparam name="T">The message.</typeparam>
    /// <param name="typeInfo">The type as a serialiser context knows it, such as <c>ShopJson.Default.Order</c>.</param>
    /// <returns>The codec.</returns>
    public static IRpcCodec<T> Json<T>(JsonTypeInfo<T> typeInfo)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        return new JsonCodec<T>(typeInfo);
    }
}
