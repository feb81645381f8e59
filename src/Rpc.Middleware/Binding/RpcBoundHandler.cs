using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A delegate made fit for the pipeline: what parses its request, and what calls it.</summary>
/// <param name="Parser">Null if requests are a stream.</param>
/// <param name="Handler">What calls it.</param>
/// <param name="Shape">Whether requests and replies are streams.</param>
/// <param name="ReplyFormat">What serialises its replies; null: they are protobuf messages.</param>
/// <param name="Method">What generated code says of the method; null if there is none.</param>
internal readonly record struct RpcBoundHandler(
    RpcRequestParser? Parser,
    RpcDelegate Handler,
    RpcMethodShape Shape = RpcMethodShape.Unary,
    RpcMessageFormat? ReplyFormat = null,
    RpcMethod? Method = null);
