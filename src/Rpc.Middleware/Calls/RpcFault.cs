using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Why a call gets an error in place of a reply. The names are as far as they could be read, else empty.</summary>
internal readonly record struct RpcFault(string Service, string Method, RpcErrorCode Code, string Message);
