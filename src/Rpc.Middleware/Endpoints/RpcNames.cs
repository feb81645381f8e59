using System.Diagnostics.CodeAnalysis;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Names as a developer writes them, and as a peer writes them.</summary>
internal static class RpcNames
{
    private const int LongestLogged = 128;

    /// <summary>Reads <c>service/method</c> as given to <c>MapRpc</c> or <c>WithWireName</c>.</summary>
    public static RpcMethodName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        return TryParse(name, out RpcMethodName? parsed, out Exception? fault) ? parsed : throw Bad(name, parameterName, fault);
    }

    /// <summary>Checks what was given to <c>MapRpcGroup</c>.</summary>
    public static void CheckPrefix(string prefix, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(prefix, parameterName);
        bool isService = !prefix.Contains('/', StringComparison.Ordinal) && !prefix.StartsWith('.') && !prefix.EndsWith('.');
        if (prefix.Length > 0 && !(isService && TryParse($"{prefix}/Method", out _, out _)))
        {
            throw new ArgumentException(
                $"'{ForLog(prefix)}' is not the prefix of an RPC group. Write a service, or what stands in front of one, without slash and "
                + "white space, for example \"inventory\".",
                parameterName);
        }
    }

    /// <summary>What a peer sent, made fit for one line of a log.</summary>
    public static string ForLog(string text)
    {
        ReadOnlySpan<char> cut = text.AsSpan(0, Math.Min(text.Length, LongestLogged));
        return string.Create(cut.Length, cut, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(source[i]) ? '?' : source[i];
            }
        });
    }

    private static bool TryParse(string name, [NotNullWhen(true)] out RpcMethodName? parsed, out Exception? fault)
    {
        parsed = null;
        fault = null;
        if (name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            return false;
        }

        try
        {
            parsed = RpcMethodName.Parse(name);
            return true;
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            // Not of the form, or a name that is not valid text: the same advice.
            fault = exception;
            return false;
        }
    }

    private static ArgumentException Bad(string name, string parameterName, Exception? inner) => new(
        $"'{ForLog(name)}' is not the name of an RPC method. Write the service and the method with one slash between them and no "
        + "white space, for example \"inventory/Find\".",
        parameterName,
        inner);
}
