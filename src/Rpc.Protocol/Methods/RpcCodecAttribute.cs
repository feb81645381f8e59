namespace Kestrel.Rpc.Protocol;

/// <summary>
/// Names what turns the messages of an interface with <see cref="RpcServiceAttribute"/> into bytes, where they are no protobuf messages. May be given
/// more than once; the first that knows a message is taken.
/// </summary>
/// <param name="codec">
/// A <see cref="System.Text.Json.Serialization.JsonSerializerContext"/> whose <c>[JsonSerializable]</c> name the messages; or a class with a public
/// constructor without parameters that implements <c>IRpcCodec&lt;T&gt;</c>, for as many messages as it likes.
/// </param>
[AttributeUsage(AttributeTargets.Interface, AllowMultiple = true, Inherited = false)]
public sealed class RpcCodecAttribute(Type codec) : Attribute
{
    /// <summary>The serialiser context or the codec.</summary>
    public Type Codec { get; } = codec;
}
