using System.Buffers;
using System.Security.Claims;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A call that came as an HTTP request. Not pooled: what a middleware leaves behind finds the call it had. One owner at a time, as
/// <see cref="RpcContext"/>, unless a member says otherwise.
/// </summary>
internal sealed partial class RpcHttpCall : RpcServedCall, IRpcParentCall
{
    private readonly RpcServer _server;
    private readonly RpcHttpMethod _method;
    private readonly RpcHttpConnection _connection;
    private HttpContext? _http; // null once the call has ended: the request is used for another one then
    private object? _request;
    private IFeatureCollection? _features;
    private Dictionary<object, object?>? _items;
    private RpcMetadata _requestMetadata = RpcMetadata.Empty;
    private RpcMetadata? _replyMetadata;
    private RpcMetadata? _replyTrailers;

    public RpcHttpCall(RpcServer server, RpcHttpMethod method, RpcMethodName name, HttpContext http)
    {
        _server = server;
        _method = method;
        _http = http;
        _connection = new RpcHttpConnection(http);
        Name = name;
        User = http.User;
        RequestServices = http.RequestServices;
        ReceivedAt = server.TimeProvider.GetTimestamp();
        _isObserved = server.Observer.IsOn;
    }

    /// <summary>The request.</summary>
    /// <exception cref="ObjectDisposedException">The call has ended.</exception>
    public HttpContext Http => _http ?? throw new ObjectDisposedException(nameof(RpcContext), $"The call of '{Name}' has ended, and its HTTP request with it.");

    public override RpcServer Server => _server;

    public ILogger Logger => _server.Logger;

    /// <summary>The status that HTTP has for it, where the table of status codes has none.</summary>
    public int? HttpStatus { get; private set; }

    /// <summary>Where replies go if they are a stream; else null.</summary>
    public RpcHttpReplies? Replies { get; private set; }

    public override RpcEndpoint Endpoint => _method.Endpoint;

    public override RpcMethodName Name { get; }

    public override uint SequenceId => 0;

    public override ConnectionContext Connection => _connection;

    public override object Request => _request ?? throw new InvalidOperationException($"'{Name}' has no request yet.");

    public override bool HasRequest => _request is not null;

    public override object? Reply { get; set; }

    public override RpcMessageFormat ReplyFormat => _method.Endpoint.ReplyFormat;

    public override string Protocol => "http";

    public override ClaimsPrincipal User
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    }

    public override ReadOnlySequence<byte> RequestAttachment => default;

    public override ReadOnlySequence<byte> ReplyAttachment { get; set; } // nobody gets it

    public override int ProtocolVersion => 0;

    public override bool IsOneWay => false;

    public override long ReceivedTimestamp => ReceivedAt;

    public override RpcMetadata RequestMetadata => _requestMetadata;

    public override RpcMetadata ReplyMetadata => _replyMetadata ??= [];

    public override RpcMetadata ReplyTrailers => _replyTrailers ??= [];

    /// <summary>What goes ahead of the reply, if the pipeline has asked for it; as the next.</summary>
    public RpcMetadata? ReplyMetadataOrNull => _replyMetadata;

    public RpcMetadata? ReplyTrailersOrNull => _replyTrailers;

    public override IServiceProvider RequestServices { get; }

    public override IFeatureCollection Features => _features ??= new FeatureCollection(Http.Features);

    public override IDictionary<object, object?> Items => _items ??= [];

    /// <summary>Reads what stands in the headers.</summary>
    /// <exception cref="RpcException">They cannot be read.</exception>
    public void ReadHeaders()
    {
        if (!RpcHttpHeaders.TryReadTimeout(Http.Request.Headers, out TimeSpan? timeout))
        {
            throw new RpcException(RpcStatusCode.InvalidArgument, $"The header '{RpcHttpHeaders.Timeout}' is not digits and one of H, M, S, m, u, n.");
        }

        Timeout = Endpoint.Deadline is { } own && !(timeout < own) ? own : timeout; // the shorter one counts
        _requestMetadata = RpcHttpHeaders.Read(Http.Request.Headers);
    }

    /// <summary>Notes how the replies of a stream are written.</summary>
    public void OpenReplies(RpcHttpMediaType type) => Replies = new RpcHttpReplies(this, _method, type, _server.FrameLimits.MaxBodyLength);

    /// <summary>Reads the request message.</summary>
    /// <exception cref="RpcException">It is none.</exception>
    public void ReadRequest(in ReadOnlySequence<byte> body, bool isJson) => _request = _method.Read(body, isJson);

    public override void Fail(Exception exception) => Fault = RpcExceptions.ToFault(exception, this, _server, _server.Logger);

    public override void Refuse(RpcFault fault)
    {
        Fault = fault;
        _turn?.TrySetResult(false);
    }

    /// <summary>Refuses a request that HTTP has a status of its own for.</summary>
    public void Refuse(RpcFault fault, int httpStatus)
    {
        HttpStatus = httpStatus;
        Refuse(fault);
    }

    /// <summary>Ends the call: the request is HTTP's again.</summary>
    /// <param name="isWritten">Whether the caller has got its reply, or the error in its place.</param>
    public void End(bool isWritten)
    {
        if (_isObserved)
        {
            ObserveEnd(isWritten);
        }

        EndCancellation();
        _http = null;
    }
}
