using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Takes conventions of RPC methods: of one, of a group, or of all. Conventions run once, when the host starts, in the order
/// server, group, method; those of one level in the order they were added. <c>Finally</c> conventions run afterwards, all in the
/// opposite order. After the start none can be added.
/// </summary>
public interface IRpcEndpointConventionBuilder : IEndpointConventionBuilder;
