namespace Kestrel.Rpc.Generator;

/// <summary>The types that generated code uses, with <c>global::</c>: nothing that a user declares can stand in their way.</summary>
internal static class Names
{
    public const string Protocol = "global::Kestrel.Rpc.Protocol.";
    public const string Middleware = "global::Kestrel.Rpc.Middleware.";
    public const string Client = "global::Kestrel.Rpc.Client.";
    public const string ValueTask = "global::System.Threading.Tasks.ValueTask";
    public const string Obsolete = "[global::System.Obsolete]";

    /// <summary>A C# literal.</summary>
    public static string Literal(string text) =>
        "\"" + string.Concat(text.Select(letter => letter switch
        {
            '"' => "\\\"",
            '\\' => @"\\",
            < ' ' or (>= '\u007f' and <= '\u00a0') or '\u2028' or '\u2029' => $"\\u{(int)letter:x4}",
            _ => letter.ToString(),
        })) + "\"";
}
