using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>The tags of a method's measurements, made once, so that measuring allocates nothing. Any thread.</summary>
internal sealed class RpcMethodTags
{
    // gRPC's statuses that are failures of the server, as OpenTelemetry's conventions for gRPC have it; the rest are the caller's business.
    private const int ServerErrors =
        1 << (int)RpcStatusCode.Unknown
        | 1 << (int)RpcStatusCode.DeadlineExceeded
        | 1 << (int)RpcStatusCode.Unimplemented
        | 1 << (int)RpcStatusCode.Internal
        | 1 << (int)RpcStatusCode.Unavailable
        | 1 << (int)RpcStatusCode.DataLoss;

    private static readonly string[] StatusNames =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    private readonly KeyValuePair<string, object?>[]?[] _ofStatus = new KeyValuePair<string, object?>[]?[StatusNames.Length];

    public RpcMethodTags(string method)
    {
        Method = method;
        ActivityName = method == RpcServerTelemetry.OtherMethod ? RpcServerTelemetry.SystemName : method; // as the conventions say
        Tags = [new(RpcServerTelemetry.SystemNameTag, RpcServerTelemetry.SystemName), new(RpcServerTelemetry.MethodTag, method)];
    }

    /// <summary>Of calls whose method does not exist.</summary>
    public static RpcMethodTags Other { get; } = new(RpcServerTelemetry.OtherMethod);

    public string Method { get; }

    /// <summary>What activities of its calls are called.</summary>
    public string ActivityName { get; }

    /// <summary>System and method.</summary>
    public KeyValuePair<string, object?>[] Tags { get; }

    /// <summary>How many calls of the method were logged of late.</summary>
    public RpcLogBudget LogBudget { get; } = new();

    /// <summary>The name of a status; numbers that have none are UNKNOWN, so that there are only so many.</summary>
    public static string NameOf(RpcStatusCode code) => StatusNames[IndexOf(code)];

    /// <summary>Whether the status is a failure of the server.</summary>
    public static bool IsServerError(RpcStatusCode code) => (ServerErrors >> IndexOf(code) & 1) != 0;

    /// <summary>System, method, status and, for a failure of the server, the error's type.</summary>
    public KeyValuePair<string, object?>[] OfStatus(RpcStatusCode code)
    {
        ref KeyValuePair<string, object?>[]? tags = ref _ofStatus[IndexOf(code)];

        // Two threads may make the same tags: whichever stays.
        return Volatile.Read(ref tags) ?? (tags = Create(code));
    }

    private KeyValuePair<string, object?>[] Create(RpcStatusCode code)
    {
        KeyValuePair<string, object?> status = new(RpcServerTelemetry.StatusCodeTag, NameOf(code));
        return IsServerError(code) ? [.. Tags, status, new(RpcServerTelemetry.ErrorTypeTag, NameOf(code))] : [.. Tags, status];
    }

    private static int IndexOf(RpcStatusCode code) => (uint)code < (uint)StatusNames.Length ? (int)code : (int)RpcStatusCode.Unknown;
}
