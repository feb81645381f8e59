using System.Buffers;
using System.Net;
using System.Security.Claims;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// One call on its way through the server. Belongs to one call at a time and is used again for another one afterwards: never
/// touch it once the handler has returned, or the task that it returned has ended. A middleware that stops waiting for the
/// rest of the pipeline leaves it the context: that one is not used again while the rest runs. Not thread-safe. In a Debug build
/// of the server every member throws <see cref="ObjectDisposedException"/> from the moment its reply was written until it is used again.
/// </summary>
public abstract class RpcContext : IRpcParentCall
{
    /// <summary>The end point that was called, with its metadata.</summary>
    public abstract RpcEndpoint Endpoint { get; }

    /// <summary>The name by which it was called: that of the end point or one of its wire names.</summary>
    public abstract RpcMethodName Name { get; }

    /// <summary>The service in <see cref="Name"/>.</summary>
    public string Service => Name.Service;

    /// <summary>The method in <see cref="Name"/>.</summary>
    public string Method => Name.Method;

    /// <summary>
    /// The number the client gave to this call. The reply carries it; the client alone gives it a meaning. In protocols with longer numbers the
    /// lower 32 bits.
    /// </summary>
    public abstract uint SequenceId { get; }

    /// <summary>The connection that the call came over.</summary>
    public abstract ConnectionContext Connection { get; }

    /// <summary>The address of the peer, if the transport has one.</summary>
    public EndPoint? RemoteEndPoint => Connection.RemoteEndPoint;

    /// <summary>The address that the peer connected to, if the transport has one.</summary>
    public EndPoint? LocalEndPoint => Connection.LocalEndPoint;

    /// <summary>Whether requests and replies are streams. Only the handler has the streams; see <see cref="Request"/> and <see cref="Reply"/>.</summary>
    public RpcMethodShape Shape => Endpoint.Shape;

    /// <summary>The request message.</summary>
    /// <exception cref="InvalidOperationException">The method has a stream of requests.</exception>
    public abstract object Request { get; }

    /// <summary>
    /// The reply message, <see langword="null"/> until there is one. The handler's result is put here; middleware may set it,
    /// instead of calling the next delegate or afterwards. A call that ends without a reply is answered with an error. If replies are a
    /// stream there need not be one: then this is a last message, behind all that the handler has written.
    /// </summary>
    public abstract object? Reply { get; set; }

    /// <summary>The protocol of the connection: <c>rpc</c> for our own, <c>http</c> for a call over HTTP, else <see cref="IRpcProtocol.Name"/>.</summary>
    public abstract string Protocol { get; }

    /// <summary>
    /// Who makes the call: as the <see cref="IRpcCallAuthenticator"/> says of a call with credentials of its own, else as the
    /// <see cref="IRpcConnectionAuthenticator"/> has said when the connection was verified; a principal without an identity that is authenticated
    /// if neither has. Middleware may set another one, for this call alone; policies are evaluated behind the middleware.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public abstract ClaimsPrincipal User { get; set; }

    /// <summary>
    /// Bytes beside the request, which its format does not see; empty if there are none, as always in version 1. They lie in pooled memory
    /// until the call ends: copy what is needed later. Those of a stream come with its messages:
    /// <see cref="IRpcStreamReader{T}.CurrentAttachment"/>.
    /// </summary>
    public abstract ReadOnlySequence<byte> RequestAttachment { get; }

    /// <summary>
    /// Bytes that go beside the reply. Not copied and not compressed, so they must not change before the call ends, when the reply was written;
    /// <see cref="RequestAttachment"/> will do. Callers of version 1 do not get them. Those of a stream go with its messages:
    /// <see cref="IRpcStreamWriter{T}.WriteAsync(T, ReadOnlyMemory{byte}, System.Threading.CancellationToken)"/>.
    /// </summary>
    public abstract ReadOnlySequence<byte> ReplyAttachment { get; set; }

    /// <summary>The version of our own protocol that the caller speaks: 1 or 2; 0 in protocols that the application has brought and over HTTP.</summary>
    public abstract int ProtocolVersion { get; }

    /// <summary>Whether the caller waits for no reply. Version 2; false in version 1.</summary>
    public abstract bool IsOneWay { get; }

    /// <summary>When the request was read: a timestamp of the host's <see cref="TimeProvider"/>, one for all calls of one read.</summary>
    public abstract long ReceivedTimestamp { get; }

    /// <summary>
    /// The time that is left before the caller gives up, zero or less when it has; <see langword="null"/> without a limit, as always in
    /// version 1. Calls that this one makes keep to it if their options name the context as their parent.
    /// </summary>
    public abstract TimeSpan? TimeLeft { get; }

    /// <summary>What the caller sent beside the request. Cannot be changed; empty in version 1.</summary>
    public abstract RpcMetadata RequestMetadata { get; }

    /// <summary>What goes ahead of the reply. Callers of version 1 do not get it.</summary>
    public abstract RpcMetadata ReplyMetadata { get; }

    /// <summary>What goes behind the reply, or with the error. Callers of version 1 do not get it.</summary>
    public abstract RpcMetadata ReplyTrailers { get; }

    /// <summary>
    /// Cancelled when nobody waits for the reply any more: the caller cancelled the call or its time ran out (version 2), the connection was
    /// reset or aborted, or the host's shutdown time-out has passed. Not cancelled by a peer that merely stops sending: it gets its answers. Whether such a peer is
    /// still there shows only when a reply is written, so a handler that waits for long needs a time limit of its own.
    /// </summary>
    /// <remarks>
    /// The call's own, as everything here: what goes on after the call must not use it. Callbacks registered with it run on the thread pool, after
    /// the token says that it is cancelled.
    /// </remarks>
    public abstract CancellationToken CancellationToken { get; }

    /// <summary>
    /// Cancelled when the host stops, before <see cref="CancellationToken"/>: calls go on until <see cref="RpcServerDrainOptions.Timeout"/>. A handler that
    /// would go on for long, a stream above all, ends by itself then, in its own words. One token for all calls; it may be used after the call.
    /// Callbacks registered with it run on the thread pool.
    /// </summary>
    public abstract CancellationToken ServerStopping { get; }

    /// <summary>
    /// The services of this call. The first access creates a scope, which ends with the call; a call that needs nothing but
    /// singletons never has one.
    /// </summary>
    public abstract IServiceProvider RequestServices { get; }

    /// <summary>Features of this call on top of those of the connection. Created at the first access.</summary>
    public abstract IFeatureCollection Features { get; }

    /// <summary>What the parts of a pipeline want to tell each other about this call. Created at the first access.</summary>
    public abstract IDictionary<object, object?> Items { get; }
}
