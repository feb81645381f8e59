using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Authorization;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What the class of a handler says about authorization. Attributes of a class do not become metadata by themselves, but whoever wrote them
/// there meant its methods: also those it inherits, and the lambdas within them, which are methods of a nested class.
/// </summary>
internal static class RpcClassAttributes
{
    /// <summary>The attributes, each once.</summary>
    public static IEnumerable<object> OfAuthorization(Delegate handler)
    {
        HashSet<Type> seen = [];
        foreach (Type? start in new[] { handler.Method.DeclaringType, handler.Target?.GetType() })
        {
            bool isWithin = true; // the class itself, and what the compiler has made of its lambdas
            for (Type? type = start; type is not null && seen.Add(type); type = type.DeclaringType)
            {
                foreach (Attribute attribute in type.GetCustomAttributes())
                {
                    // A class around it may demand more, but not lift anything.
                    if (RpcAuthorizationDemand.IsDemand(attribute) || (isWithin && attribute is IAllowAnonymous))
                    {
                        yield return attribute;
                    }
                }

                isWithin &= type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);
            }
        }
    }
}
