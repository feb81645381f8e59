using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <content>110-119: calls over HTTP.</content>
internal static partial class Log
{
    [LoggerMessage(110, LogLevel.Warning, "app.MapRpcHttp() was called, and no RPC method has WithHttp(): none is reached over HTTP.")]
    public static partial void NoHttpMethod(ILogger logger);
}
