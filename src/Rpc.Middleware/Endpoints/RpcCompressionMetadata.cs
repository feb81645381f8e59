using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>How the replies of an end point are compressed. The last one counts.</summary>
internal sealed record RpcCompressionMetadata(RpcEncoding Encoding);
