using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>Says that something is wrong.</summary>
internal delegate void FaultSink(DiagnosticDescriptor descriptor, ISymbol symbol, params object[] arguments);

/// <summary>Reads a method of a contract.</summary>
internal sealed class ContractMethodReader(IMethodSymbol method, ContractCodecs codecs, Compilation compilation, FaultSink fault)
{
    private const string EmptyCodec = "global::Kestrel.Rpc.Protocol.RpcCodec.Protobuf<global::Google.Protobuf.WellKnownTypes.Empty>()";

    private bool _isGood = true;

    /// <param name="index">How many methods there are before it.</param>
    public RpcContractMethod? Read(int index)
    {
        if (method.IsGenericMethod)
        {
            return Bad(RpcDiagnostics.GenericMethod, method, method.Name);
        }

        if (method.Parameters.FirstOrDefault(item => item.RefKind != RefKind.None) is { } byReference)
        {
            return Bad(RpcDiagnostics.ContractByReference, byReference, byReference.Name, method.Name);
        }

        IParameterSymbol[] requests = [.. method.Parameters.Where(item => !item.Type.Is(KnownNames.CancellationToken))];
        IParameterSymbol[] tokens = [.. method.Parameters.Where(item => item.Type.Is(KnownNames.CancellationToken))];
        if (requests.Length != 1 || tokens.Length > 1)
        {
            return Bad(RpcDiagnostics.ContractParameters, method, method.Name, requests.Length);
        }

        bool hasRequestStream = requests[0].Type.Is(KnownNames.AsyncEnumerable, 1);
        ITypeSymbol request = hasRequestStream ? ((INamedTypeSymbol)requests[0].Type).TypeArguments[0] : requests[0].Type;
        if (ReadReturn(out ITypeSymbol? reply) is not { } result)
        {
            return null;
        }

        AttributeData? attribute = method.FindAttribute(KnownNames.MethodAttribute);
        bool isOneWay = attribute.Value("IsOneWay") is true;
        if (isOneWay && (hasRequestStream || reply is not null || result == RpcReturn.Stream))
        {
            return Bad(RpcDiagnostics.OneWay, method, method.Name);
        }

        string wireName = attribute?.Text(0) ?? WithoutAsync(method.Name);
        string[] aliases = attribute.Texts("Aliases");
        CheckNames(wireName, aliases);
        string requestCodec = FindCodec(request, requests[0]);
        string replyCodec = reply is null ? EmptyCodec : FindCodec(reply, method);
        return !_isGood ? null : new RpcContractMethod(
            method.ContainingType.Name(),
            method.Name,
            $"Method{index}",
            wireName,
            new EquatableArray<string>([.. aliases]),
            isOneWay,
            request.Name(),
            requestCodec,
            hasRequestStream,
            reply?.Name() ?? $"global::{KnownNames.Empty}",
            replyCodec,
            result,
            string.Join(", ", method.Parameters.Select(Declaration)),
            Identifier(requests[0].Name),
            tokens.Length == 0 ? null : Identifier(tokens[0].Name),
            tokens.Length > 0 && tokens[0].Ordinal == 0,
            Obsolete());
    }

    // Null for the reply if there is none.
    private RpcReturn? ReadReturn(out ITypeSymbol? reply)
    {
        reply = null;
        ITypeSymbol type = method.ReturnType;
        if (type.Is(KnownNames.Task) || type.Is(KnownNames.ValueTask))
        {
            return type.Is(KnownNames.Task) ? RpcReturn.Task : RpcReturn.ValueTask;
        }

        RpcReturn? result = type.Is(KnownNames.Task, 1) ? RpcReturn.TaskOf
            : type.Is(KnownNames.ValueTask, 1) ? RpcReturn.ValueTaskOf
            : type.Is(KnownNames.AsyncEnumerable, 1) ? RpcReturn.Stream
            : null;
        if (result is null)
        {
            Bad(RpcDiagnostics.ContractResult, method, method.Name, type.ToDisplayString());
            return null;
        }

        reply = ((INamedTypeSymbol)type).TypeArguments[0];
        return result;
    }

    private string FindCodec(ITypeSymbol message, ISymbol place)
    {
        // What the compiler complains about needs no second complaint.
        if (message.TypeKind == TypeKind.Error)
        {
            _isGood = false;
            return "";
        }

        string? codec = message.IsReferenceType && message.CanBeNamed(compilation) ? codecs.Find(message) : null;
        if (codec is null)
        {
            Bad(RpcDiagnostics.WithoutCodec, place, message.ToDisplayString(), method.Name);
        }

        return codec ?? "";
    }

    private void CheckNames(string wireName, string[] aliases)
    {
        if (!RpcNames.IsMethod(wireName))
        {
            Bad(RpcDiagnostics.ContractMethodName, method, wireName);
        }

        foreach (string alias in aliases.Where(item => !RpcNames.IsWhole(item)))
        {
            Bad(RpcDiagnostics.MethodName, method, alias);
        }
    }

    private static string Declaration(IParameterSymbol parameter)
    {
        string value = parameter.HasExplicitDefaultValue && CodeLiterals.Of(parameter.ExplicitDefaultValue, parameter.Type) is { } known ? $" = {known}" : "";
        return $"{parameter.Type.Name()} {Identifier(parameter.Name)}{value}";
    }

    private string? Obsolete()
    {
        AttributeData? attribute = method.FindAttribute("System.ObsoleteAttribute");
        return attribute is null ? null : $"[global::System.Obsolete({(attribute.Text(0) is { } text ? CodeLiterals.Text(text) : "")})]";
    }

    private static string WithoutAsync(string name) =>
        name.Length > 5 && name.EndsWith("Async", StringComparison.Ordinal) ? name.Substring(0, name.Length - 5) : name;

    private static string Identifier(string name) => $"@{name}";

    private RpcContractMethod? Bad(DiagnosticDescriptor descriptor, ISymbol symbol, params object[] arguments)
    {
        _isGood = false;
        fault(descriptor, symbol, arguments);
        return null;
    }
}
