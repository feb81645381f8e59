namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Names of what the server tells about its calls: the source of its activities, its meter, the instruments and their tags. Nothing is measured for
/// a call, and no clock is read, unless somebody listens when the call is read from its connection.
/// </summary>
/// <remarks>
/// Names that begin with <c>rpc</c>, <c>error</c>, <c>network</c>, <c>server</c> and <c>client</c> are those of OpenTelemetry's semantic conventions for RPC
/// (release candidate, https://opentelemetry.io/docs/specs/semconv/rpc/); those that begin with <c>kestrel</c> are our own, for what these do not name.
/// </remarks>
public static class RpcServerTelemetry
{
    /// <summary>The <see cref="System.Diagnostics.ActivitySource"/>: one activity of kind Server for each call, refused ones too.</summary>
    public const string ActivitySourceName = "Kestrel.Rpc.Server";

    /// <summary>The meter, for example for <c>dotnet-counters monitor --counters Kestrel.Rpc.Server</c>.</summary>
    public const string MeterName = "Kestrel.Rpc.Server";

    /// <summary>Histogram, in seconds: calls, from the read of the request until the reply was handed to the transport.</summary>
    public const string CallDuration = "rpc.server.call.duration";

    /// <summary>Histogram, in seconds: from the read of the request until its pipeline has begun.</summary>
    public const string QueueDuration = "kestrel.rpc.server.call.queue.duration";

    /// <summary>Histogram, in bytes: request messages, of streams each of them, without compression and attachments.</summary>
    public const string RequestSize = "kestrel.rpc.server.request.size";

    /// <summary>Histogram, in bytes: reply messages, likewise.</summary>
    public const string ResponseSize = "kestrel.rpc.server.response.size";

    /// <summary>Histogram: request messages that the handler of a call with streams has read.</summary>
    public const string CallRequests = "kestrel.rpc.server.call.requests";

    /// <summary>Histogram: reply messages that the handler of a call with streams has written.</summary>
    public const string CallResponses = "kestrel.rpc.server.call.responses";

    /// <summary>Up-down counter: calls that were dispatched and have not ended, of those that began while somebody listened.</summary>
    public const string ActiveCalls = "kestrel.rpc.server.active_calls";

    /// <summary>Up-down counter: those of them that have streams.</summary>
    public const string ActiveStreams = "kestrel.rpc.server.active_streams";

    /// <summary>Counter: calls that were refused before a handler saw them though their method exists, told apart by <see cref="ReasonTag"/>.</summary>
    public const string RejectedCalls = "kestrel.rpc.server.rejected_calls";

    /// <summary>Up-down counter: open connections, told apart by <see cref="ProtocolNameTag"/> and <see cref="ProtocolVersionTag"/>.</summary>
    public const string Connections = "kestrel.rpc.server.connections";

    /// <summary>Counter: connections that were refused before a call of theirs was taken, told apart by <see cref="ReasonTag"/>.</summary>
    public const string RejectedConnections = "kestrel.rpc.server.rejected_connections";

    /// <summary>Counter: connections that the server has ended because of what their peer did or did not do, told apart by <see cref="CloseReasonTag"/>.</summary>
    public const string ClosedConnections = "kestrel.rpc.server.closed_connections";

    /// <summary>Up-down counter: calls that wait for their turn at a limit, told apart by <see cref="ScopeTag"/>.</summary>
    public const string WaitingCalls = "kestrel.rpc.server.waiting_calls";

    /// <summary>Up-down counter: calls that a limit has let in and that have not ended, likewise.</summary>
    public const string AdmittedCalls = "kestrel.rpc.server.admitted_calls";

    /// <summary>Up-down counter: how many calls a limit lets run at once, likewise. An adaptive limit moves.</summary>
    public const string CallLimit = "kestrel.rpc.server.call_limit";

    /// <summary>The system of the calls, always <see cref="SystemName"/>.</summary>
    public const string SystemNameTag = "rpc.system.name";

    /// <summary>The value of <see cref="SystemNameTag"/>.</summary>
    public const string SystemName = "kestrel_rpc";

    /// <summary><c>service/method</c> as it was mapped, whichever of its names was called; <see cref="OtherMethod"/> for what was not mapped.</summary>
    public const string MethodTag = "rpc.method";

    /// <summary>The method of every call whose method does not exist or could not be read, so that peers cannot make up series.</summary>
    public const string OtherMethod = "_OTHER";

    /// <summary>Of activities whose method is <see cref="OtherMethod"/>: what the caller has called, cut after 128 characters, if it could be read.</summary>
    public const string OriginalMethodTag = "rpc.method_original";

    /// <summary>The status of a call: <c>OK</c>, <c>NOT_FOUND</c> and so on.</summary>
    public const string StatusCodeTag = "rpc.response.status_code";

    /// <summary>
    /// The status again, if it is a failure of the server: <c>UNKNOWN</c>, <c>DEADLINE_EXCEEDED</c>, <c>UNIMPLEMENTED</c>, <c>INTERNAL</c>, <c>UNAVAILABLE</c>,
    /// <c>DATA_LOSS</c>. Otherwise the tag is not there.
    /// </summary>
    public const string ErrorTypeTag = "error.type";

    /// <summary>
    /// Why a call was refused: <c>call_limit</c>, <c>connection_limit</c>, <c>connections</c>, <c>overload</c>, <c>rate_limit</c>, <c>threads</c>, <c>size</c>,
    /// <c>deadline</c>, <c>draining</c>, <c>unauthenticated</c>, <c>cancelled</c> or <c>invalid</c>. Why a connection was: <c>connections</c>,
    /// <c>unauthenticated</c>, <c>draining</c>, <c>protocol</c> or <c>silence</c>.
    /// </summary>
    public const string ReasonTag = "kestrel.rpc.reject.reason";

    /// <summary>Why the server has ended a connection: <c>idle</c>, <c>slow_sender</c>, <c>slow_reader</c>, <c>flood</c> or <c>bad_frame</c>.</summary>
    public const string CloseReasonTag = "kestrel.rpc.close.reason";

    /// <summary>Whose limit it is: <c>server</c>, <c>method</c> (with <see cref="MethodTag"/>) or <c>dedicated</c>, the threads for methods that block.</summary>
    public const string ScopeTag = "kestrel.rpc.limit.scope";

    /// <summary><c>rpc</c>, or the name of the application's own protocol.</summary>
    public const string ProtocolNameTag = "network.protocol.name";

    /// <summary>The version of our own protocol, <c>1</c> or <c>2</c>. Other protocols have none.</summary>
    public const string ProtocolVersionTag = "network.protocol.version";
}
