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
        foreach (char c in name)
        {
            if (char.IsWhiteSpace(c) || char.IsControl(c))
            {
                throw Bad(name, parameterName, null);
            }
        }

        try
        {
            return RpcMethodName.Parse(name);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            // Not of the form, or a name that is not valid text: the same advice.
            throw Bad(name, parameterName, exception);
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

    private static ArgumentException Bad(string name, string parameterName, Exception? inner) => new(
        $"'{ForLog(name)}' is not the name of an RPC method. Write the service and the method with one slash between them and no "
        + "white space, for example \"inventory/Find\".",
        parameterName,
        inner);
}
