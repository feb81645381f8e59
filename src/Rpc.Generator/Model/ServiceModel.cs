namespace Kestrel.Rpc.Generator;

/// <summary>A service of a .proto, with everything that its C# needs.</summary>
/// <param name="Name">The name in the file, and of the C# class.</param>
/// <param name="WireName">The name that peers use.</param>
/// <param name="Comment">What its author wrote above it; empty for nothing.</param>
/// <param name="IsDeprecated">Whether it is to be used no longer.</param>
/// <param name="Methods">The methods in the order of the file.</param>
internal sealed record ServiceModel(string Name, string WireName, string Comment, bool IsDeprecated, IReadOnlyList<MethodModel> Methods)
{
    /// <summary>The property that describes the service: not called as the class that it is in.</summary>
    public string DescriptionName => Name == "Description" ? "ServiceDescription" : "Description";

    public string BaseName => Name + "Base";

    public string ClientName => Name + "Client";
}
