namespace Kestrel.Rpc.Generator;

/// <summary>A method of a service.</summary>
/// <param name="Name">Its C# name in the service base.</param>
/// <param name="WireName">The name that peers use.</param>
/// <param name="Shape">Which of its sides are streams.</param>
/// <param name="Request">The class of requests, with <c>global::</c>.</param>
/// <param name="Reply">The class of replies, with <c>global::</c>.</param>
/// <param name="IsOneWay">Whether callers wait for no reply.</param>
/// <param name="Aliases">More names that peers may use: service and method.</param>
/// <param name="Comment">What its author wrote above it; empty for nothing.</param>
/// <param name="IsDeprecated">Whether it is to be used no longer.</param>
internal sealed record MethodModel(
    string Name,
    string WireName,
    MethodShape Shape,
    string Request,
    string Reply,
    bool IsOneWay,
    IReadOnlyList<(string Service, string Method)> Aliases,
    string Comment,
    bool IsDeprecated)
{
    /// <summary>The private field that holds its description.</summary>
    public string FieldName => "__" + Name;
}
