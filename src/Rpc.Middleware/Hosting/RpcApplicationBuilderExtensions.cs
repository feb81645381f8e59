using Kestrel.Rpc.Middleware;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Puts middleware in front of the RPC methods.</summary>
public static class RpcApplicationBuilderExtensions
{
    /// <summary>
    /// Adds middleware that every RPC call passes, in the order given; a further call of this method adds to its end. It is
    /// composed once, when the host starts. HTTP requests do not pass it unless they call a method with <c>WithHttp()</c>, and HTTP middleware sees no RPC. Filters and other
    /// conventions that are added here hold for all methods, also for those mapped before.
    /// </summary>
    /// <param name="app">The application.</param>
    /// <param name="configure">Adds the middleware and the conventions.</param>
    /// <exception cref="InvalidOperationException">There is no <c>AddRpc</c>, or the host has started already.</exception>
    public static IApplicationBuilder UseRpc(this IApplicationBuilder app, Action<RpcPipelineBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(configure);
        RpcServer server = app.ApplicationServices.GetRpcServer("app.UseRpc(...)");
        RpcPipelineBuilder pipeline = new(app.ApplicationServices, server.Root.Conventions);
        configure(pipeline);
        server.Use(pipeline.Freeze());
        return app;
    }
}
