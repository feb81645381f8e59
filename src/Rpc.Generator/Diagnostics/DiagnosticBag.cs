namespace Kestrel.Rpc.Generator;

/// <summary>What is wrong with one .proto. The numbers are explained in docs/services.md.</summary>
internal sealed class DiagnosticBag(string file)
{
    private readonly List<GeneratorDiagnostic> _all = [];

    public IReadOnlyList<GeneratorDiagnostic> All => _all;

    public void NoServices() => Add("KRPC101", isError: false, SourcePlace.Start,
        "The file has no services, so there is nothing to generate but its messages. Take RpcServices off the item, or set it to None.");

    public void SameClassName(SourcePlace place, string name, string other) => Add("KRPC102", isError: true, place,
        $"The C# name '{name}' of this method is that of '{other}', too. Rename one of them; the name on the wire can stay with option (kestrel.rpc.method_name).");

    public void SameWireName(SourcePlace place, string name) => Add("KRPC103", isError: true, place,
        $"'{name}' is the name of another method already. Give one of them another method_name, service_name or alias.");

    public void OneWayStream(SourcePlace place, string method) => Add("KRPC104", isError: true, place,
        $"'{method}' has a stream, so it cannot be oneway: take the option off, or the word stream.");

    public void BadName(SourcePlace place, string option, string value) => Add("KRPC105", isError: true, place,
        $"'{value}' cannot be a {option}: {(option == "alias" ? "it is 'Method' or 'service/Method'" : "it is not empty and has no slash")}.");

    public void TakenClassName(SourcePlace place, string name, string owner) => Add("KRPC106", isError: true, place,
        $"The service becomes the C# class '{name}', which {owner} is already. Rename the service (its name on the wire can stay with option (kestrel.rpc.service_name)) or change csharp_namespace.");

    public void UnknownType(SourcePlace place, string type) => Add("KRPC107", isError: true, place,
        $"protoc did not say where '{type}' is declared.");

    private void Add(string code, bool isError, SourcePlace place, string text) => _all.Add(new GeneratorDiagnostic(code, isError, file, place, text));
}
