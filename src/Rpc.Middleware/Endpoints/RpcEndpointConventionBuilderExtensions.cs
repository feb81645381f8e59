using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Conventions of RPC methods.</summary>
public static class RpcEndpointConventionBuilderExtensions
{
    /// <summary>
    /// Lets the method answer to a further name, so that peers which know it by its package-qualified name and peers which
    /// know it by a short one both reach it. May be called several times.
    /// </summary>
    /// <param name="builder">The method.</param>
    /// <param name="name">The whole name, of the form <c>service/method</c>, also in a group. Upper and lower case differ.</param>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    public static RpcEndpointConventionBuilder WithWireName(this RpcEndpointConventionBuilder builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        RpcMethodName parsed = RpcNames.Parse(name, nameof(name));
        builder.Add(endpoint => endpoint.Metadata.Add(new RpcWireNameMetadata(parsed)));
        return builder;
    }

    /// <summary>Chooses where the calls run, in place of <see cref="RpcServerOptions.Scheduling"/>.</summary>
    /// <typeparam name="TBuilder">What it is chosen for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline. The innermost choice counts.</param>
    /// <param name="scheduling">Where they run.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such place.</exception>
    public static TBuilder WithScheduling<TBuilder>(this TBuilder builder, RpcScheduling scheduling)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!Enum.IsDefined(scheduling))
        {
            throw new ArgumentOutOfRangeException(nameof(scheduling), scheduling, "It must be ThreadPool, Inline or Dedicated.");
        }

        builder.Add(endpoint => endpoint.Metadata.Add(new RpcSchedulingMetadata(scheduling)));
        return builder;
    }

    /// <summary>
    /// Bounds the time that calls have, from when their requests were read, also where the caller sets no deadline or a later one. When it is over,
    /// <see cref="RpcContext.CancellationToken"/> fires, and a handler that ends with that is answered with DEADLINE_EXCEEDED (<c>TIMEOUT</c> in version 1);
    /// as with ASP.NET Core's request time-outs, a handler that does not look at its token goes on.
    /// </summary>
    /// <typeparam name="TBuilder">What it is set for.</typeparam>
    /// <param name="builder">The method, the group, the service, or the server's pipeline. The innermost deadline counts.</param>
    /// <param name="deadline">The time; more than zero.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public static TBuilder WithDeadline<TBuilder>(this TBuilder builder, TimeSpan deadline)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(deadline, TimeSpan.Zero);
        builder.Add(endpoint => endpoint.Metadata.Add(new RpcDeadlineMetadata(deadline)));
        return builder;
    }

    /// <summary>
    /// Chooses how replies are compressed, in place of <see cref="RpcServerOptions.ReplyCompression"/>: for callers that say they take it, and
    /// for messages that get shorter by it. Attachments are never compressed. Requests are read in whatever encoding they come.
    /// </summary>
    /// <typeparam name="TBuilder">What it is chosen for.</typeparam>
    /// <param name="builder">The method, the group, or the server's pipeline. The innermost choice counts.</param>
    /// <param name="encoding">How; <see cref="RpcEncoding.None"/> to send replies as they are.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such encoding.</exception>
    public static TBuilder WithRpcCompression<TBuilder>(this TBuilder builder, RpcEncoding encoding)
        where TBuilder : IRpcEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (!Enum.IsDefined(encoding))
        {
            throw new ArgumentOutOfRangeException(nameof(encoding), encoding, "It must be None, Gzip, Brotli or Snappy.");
        }

        builder.Add(endpoint => endpoint.Metadata.Add(new RpcCompressionMetadata(encoding)));
        return builder;
    }
}
