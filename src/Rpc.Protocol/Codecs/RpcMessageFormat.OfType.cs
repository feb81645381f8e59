using System.Buffers;

namespace Kestrel.Rpc.Protocol;

/// <summary>The same, of a type that is known, which can be read, too. <see cref="IRpcCodec{T}"/> is what applications implement.</summary>
internal abstract class RpcMessageFormat<T> : RpcMessageFormat
{
    /// <summary>The codec that was given.</summary>
    public abstract IRpcCodec<T> Codec { get; }

    public static RpcMessageFormat<T> Of(IRpcCodec<T> codec) => codec as RpcMessageFormat<T> ?? new CodecFormat<T>(codec);

    /// <summary>As <see cref="Read"/>, where the type is not known.</summary>
    public object ReadObject(in ReadOnlySequence<byte> source) => Read(source)!;

    /// <summary>Reads a message.</summary>
    /// <exception cref="RpcException">The bytes are no such message.</exception>
    public abstract T Read(in ReadOnlySequence<byte> source);
}
