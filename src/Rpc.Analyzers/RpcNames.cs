namespace Kestrel.Rpc.Analyzers;

/// <summary>Names of services and methods, by the rules of <c>RpcNames</c> in Rpc.Middleware.</summary>
internal static class RpcNames
{
    /// <summary>Whether it is <c>service/method</c>.</summary>
    public static bool IsWhole(string name)
    {
        int slash = name.IndexOf('/');
        return slash > 0 && slash < name.Length - 1 && name.IndexOf('/', slash + 1) < 0 && IsText(name);
    }

    /// <summary>Whether it is a service.</summary>
    public static bool IsService(string name) => name.Length > 0 && name.IndexOf('/') < 0 && IsText(name);

    /// <summary>Whether it is a method without its service.</summary>
    public static bool IsMethod(string name) => IsService(name);

    private static bool IsText(string name) => !name.Any(item => char.IsWhiteSpace(item) || char.IsControl(item));
}
