using System.Diagnostics.CodeAnalysis;

namespace Kestrel.Rpc.Protocol;

/// <summary>The names of <see cref="RpcErrorCode"/> on the wire, which are MyRPC's.</summary>
public static class RpcErrorCodeExtensions
{
    /// <summary>The name on the wire.</summary>
    /// <param name="code">A code that the enum names.</param>
    /// <returns>The name, for example <c>RETRY_FAILED</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The enum does not name this code.</exception>
    public static string ToWireName(this RpcErrorCode code) => code switch
    {
        RpcErrorCode.Timeout => "TIMEOUT",
        RpcErrorCode.Connection => "CONNECTION",
        RpcErrorCode.Network => "NETWORK",
        RpcErrorCode.Serialization => "SERIALIZATION",
        RpcErrorCode.Deserialization => "DESERIALIZATION",
        RpcErrorCode.Encoding => "ENCODING",
        RpcErrorCode.Decoding => "DECODING",
        RpcErrorCode.Server => "SERVER",
        RpcErrorCode.Client => "CLIENT",
        RpcErrorCode.RetryFailed => "RETRY_FAILED",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "No such error code."),
    };

    /// <summary>Finds the code of a name on the wire. Upper and lower case differ.</summary>
    /// <param name="name">The name.</param>
    /// <param name="code">The code found.</param>
    /// <returns>False if there is no such name.</returns>
    public static bool TryParseWireName([NotNullWhen(true)] string? name, out RpcErrorCode code)
    {
        code = name switch
        {
            "TIMEOUT" => RpcErrorCode.Timeout,
            "CONNECTION" => RpcErrorCode.Connection,
            "NETWORK" => RpcErrorCode.Network,
            "SERIALIZATION" => RpcErrorCode.Serialization,
            "DESERIALIZATION" => RpcErrorCode.Deserialization,
            "ENCODING" => RpcErrorCode.Encoding,
            "DECODING" => RpcErrorCode.Decoding,
            "SERVER" => RpcErrorCode.Server,
            "CLIENT" => RpcErrorCode.Client,
            "RETRY_FAILED" => RpcErrorCode.RetryFailed,
            _ => default,
        };
        return code != default;
    }
}
