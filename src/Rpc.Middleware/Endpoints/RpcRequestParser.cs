using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>Makes the request message from a body. Throws <see cref="Protocol.RpcException"/> if it is not that message.</summary>
internal delegate object RpcRequestParser(in ReadOnlySequence<byte> body);
