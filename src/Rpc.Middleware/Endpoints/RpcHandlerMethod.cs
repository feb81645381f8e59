using System.Reflection;

namespace Kestrel.Rpc.Middleware;

/// <summary>The C# method behind an end point, for its attributes.</summary>
/// <param name="Method">The method.</param>
/// <param name="Attributes">What it is marked with, and what of its class counts for it: the further away first, so that the closest counts.</param>
internal sealed record RpcHandlerMethod(MethodInfo Method, IReadOnlyList<object> Attributes)
{
    /// <summary>Of a delegate: its own attributes, and what its class says about authorization.</summary>
    public static RpcHandlerMethod Of(Delegate handler) =>
        new(handler.Method, [.. RpcClassAttributes.OfAuthorization(handler), .. handler.Method.GetCustomAttributes()]);
}
