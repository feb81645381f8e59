namespace Kestrel.Rpc.Middleware;

/// <summary>Puts the parts of a pipeline together, once, when the host starts.</summary>
internal static class RpcPipeline
{
    /// <summary>The end of the server's middleware: whatever method was called.</summary>
    public static readonly RpcDelegate Handler = static context => context.Endpoint.Handler(context);

    /// <summary>Puts components in front of a delegate.</summary>
    /// <param name="components">
    /// The outermost first. Each gets what is behind it, counted as <see cref="RpcStep"/> does, and returns what stands in its
    /// place, counted too.
    /// </param>
    /// <param name="last">The delegate behind all of them.</param>
    /// <param name="isCounted">Whether the result has to be counted even if there is no component.</param>
    public static RpcDelegate Compose(IReadOnlyList<Func<RpcDelegate, RpcDelegate>> components, RpcDelegate last, bool isCounted)
    {
        if (components.Count == 0 && !isCounted)
        {
            return last;
        }

        RpcDelegate next = RpcStep.Count(last);
        return Compose(components, next);
    }

    /// <summary>Puts components in front of a delegate that is counted already.</summary>
    public static RpcDelegate Compose(IReadOnlyList<Func<RpcDelegate, RpcDelegate>> components, RpcDelegate last)
    {
        RpcDelegate next = last;
        for (int i = components.Count - 1; i >= 0; i--)
        {
            next = components[i](next);
        }

        return next;
    }
}
