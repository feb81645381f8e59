namespace Kestrel.Rpc.Generator;

/// <summary>What the targets, or a user of bare protoc, ask for with <c>--kestrelrpc_opt</c>: <c>name=value</c>, separated by commas.</summary>
/// <param name="Server">Whether service bases are made. <c>services=Both</c> (the default), <c>Server</c>, <c>Client</c>.</param>
/// <param name="Client">Whether clients are made.</param>
/// <param name="AreServicesDemanded">Whether <c>services</c> was given: then a file without services deserves a word.</param>
/// <param name="IsInternal">Whether the types are internal. <c>access=Public</c> (the default) or <c>Internal</c>.</param>
/// <param name="Source">
/// <c>diagnostics=path</c>: what is wrong goes into a file beside the code, and this is what it calls the .proto. Has to be the last: it
/// may contain commas. Null if it was not given: then protoc is told.
/// </param>
internal sealed record GeneratorParameters(bool Server, bool Client, bool AreServicesDemanded, bool IsInternal, string? Source)
{
    private const string SourceName = "diagnostics=";

    /// <exception cref="FormatException">An option is not known or has a value that it cannot have.</exception>
    public static GeneratorParameters Parse(string text)
    {
        GeneratorParameters parameters = new(Server: true, Client: true, AreServicesDemanded: false, IsInternal: false, Source: null);
        for (int start = 0; start < text.Length;)
        {
            if (text.AsSpan(start).StartsWith(SourceName, StringComparison.Ordinal))
            {
                return parameters with { Source = text[(start + SourceName.Length)..] };
            }

            int comma = text.IndexOf(',', start);
            int end = comma < 0 ? text.Length : comma;
            parameters = parameters.With(text[start..end]);
            start = end + 1;
        }

        return parameters;
    }

    // As MSBuild compares: upper and lower case are the same.
    private GeneratorParameters With(string option) => option.ToUpperInvariant() switch
    {
        "" or "SERVICES=" or "ACCESS=" => this,
        "SERVICES=BOTH" => this with { Server = true, Client = true, AreServicesDemanded = true },
        "SERVICES=SERVER" => this with { Server = true, Client = false, AreServicesDemanded = true },
        "SERVICES=CLIENT" => this with { Server = false, Client = true, AreServicesDemanded = true },
        "ACCESS=PUBLIC" => this with { IsInternal = false },
        "ACCESS=INTERNAL" => this with { IsInternal = true },
        _ => throw new FormatException(
            $"'{option}' is no option of the generator: services=Both|Server|Client, access=Public|Internal, and last diagnostics=<path of the .proto>."),
    };
}
