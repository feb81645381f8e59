using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A method that the server answers. An ASP.NET end point with metadata, which HTTP routing never matches. Immutable.
/// </summary>
public sealed class RpcEndpoint : Endpoint
{
    internal RpcEndpoint(
        RpcMethodName name,
        IReadOnlyList<RpcMethodName> wireNames,
        EndpointMetadataCollection metadata,
        string? displayName,
        RpcScheduling scheduling,
        RpcRequestParser? parser,
        RpcDelegate pipeline,
        RpcDelegate handler,
        RpcMethodShape shape = RpcMethodShape.Unary,
        RpcEncoding replyEncoding = RpcEncoding.None,
        RpcAdmission? admission = null,
        RpcMessageFormat? replyFormat = null,
        TimeSpan? deadline = null)
        : base(requestDelegate: null, metadata, displayName)
    {
        Name = name;
        Tags = new RpcMethodTags(name.ToString());
        WireNames = wireNames;
        Scheduling = scheduling;
        Shape = shape;
        ReplyEncoding = replyEncoding;
        HasRequestStream = shape is RpcMethodShape.ClientStreaming or RpcMethodShape.DuplexStreaming;
        HasReplyStream = shape is RpcMethodShape.ServerStreaming or RpcMethodShape.DuplexStreaming;
        Parser = parser;
        Pipeline = pipeline;
        Handler = handler;
        Admission = admission;
        Deadline = deadline;
        ReplyFormat = replyFormat ?? RpcMessageFormat.AnyMessage;
    }

    /// <summary>The name it was mapped with.</summary>
    public RpcMethodName Name { get; }

    /// <summary>Every name it answers to: <see cref="Name"/> and those given by <c>WithWireName</c>.</summary>
    public IReadOnlyList<RpcMethodName> WireNames { get; }

    /// <summary>Where its calls run.</summary>
    public RpcScheduling Scheduling { get; }

    /// <summary>Whether requests and replies are streams. Calls in version 1 reach unary methods only.</summary>
    public RpcMethodShape Shape { get; }

    /// <summary>How replies are compressed for callers that take it.</summary>
    public RpcEncoding ReplyEncoding { get; }

    /// <summary>The longest time that its calls have, from when their requests were read; null for what callers give them.</summary>
    public TimeSpan? Deadline { get; }

    internal RpcMethodTags Tags { get; }

    internal bool HasRequestStream { get; }

    internal bool HasReplyStream { get; }

    /// <summary>Null if requests are a stream.</summary>
    internal RpcRequestParser? Parser { get; }

    /// <summary>What serialises its replies.</summary>
    internal RpcMessageFormat ReplyFormat { get; }

    /// <summary>The middleware, with <see cref="Handler"/> at its end.</summary>
    internal RpcDelegate Pipeline { get; }

    /// <summary>The limits that its calls pass; null if there are none.</summary>
    internal RpcAdmission? Admission { get; }

    /// <summary>The filters with the handler at their end. A method's own filters are part of it.</summary>
    internal RpcDelegate Handler { get; }
}
