namespace Kestrel.Rpc.Middleware;

/// <summary>How replies are written.</summary>
internal enum RpcHttpFormat
{
    /// <summary>One message in JSON.</summary>
    Json,

    /// <summary>One message in protobuf.</summary>
    Protobuf,

    /// <summary>A message in JSON on each line.</summary>
    Lines,

    /// <summary>Server-sent events, each with a message in JSON (html.spec.whatwg.org, 9.2).</summary>
    Events,
}
