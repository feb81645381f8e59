using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>Reads the services of one .proto and says what is wrong with them.</summary>
internal sealed class ServiceReader(FileDescriptorProto file, ProtoTypes types, DiagnosticBag diagnostics)
{
    // Field numbers of descriptor.proto: the paths of SourceCodeInfo are made of them.
    private const int ServicesOfFile = FileDescriptorProto.ServiceFieldNumber;
    private const int MethodsOfService = ServiceDescriptorProto.MethodFieldNumber;

    private readonly SourceLocations _locations = new(file);
    private readonly HashSet<string> _wireNames = new(StringComparer.Ordinal);

    public IReadOnlyList<ServiceModel> Read() => [.. file.Service.Select(Service)];

    private ServiceModel Service(ServiceDescriptorProto service, int index)
    {
        SourcePlace place = _locations.PlaceOf(ServicesOfFile, index);
        if (types.OwnerOf(CSharpNames.Qualified(CSharpNames.NamespaceOf(file), service.Name)) is { } owner)
        {
            diagnostics.TakenClassName(place, service.Name, owner);
        }

        string fullName = file.Package.Length == 0 ? service.Name : $"{file.Package}.{service.Name}";
        string wireName = RpcOptions.WireName(service) ?? fullName;
        if (!IsName(wireName))
        {
            diagnostics.BadName(place, "service_name", wireName);
        }

        Dictionary<string, string> taken = new(StringComparer.Ordinal);
        IEnumerable<MethodModel> methods = service.Method.Select((method, position) =>
            Method(service, wireName, method, [ServicesOfFile, index, MethodsOfService, position], taken));
        return new ServiceModel(
            service.Name,
            wireName,
            _locations.CommentOf(ServicesOfFile, index),
            service.Options?.Deprecated ?? false,
            [.. methods]);
    }

    private MethodModel Method(
        ServiceDescriptorProto service, string serviceName, MethodDescriptorProto method, int[] path, Dictionary<string, string> taken)
    {
        SourcePlace place = _locations.PlaceOf(path);
        string name = CSharpNames.ToPascalCase(method.Name);
        if (name == service.Name + "Base")
        {
            name += "_"; // a member cannot be called as its class
        }

        if (!taken.TryAdd(name, method.Name))
        {
            diagnostics.SameClassName(place, name, taken[name]);
        }

        MethodShape shape = (method.ClientStreaming, method.ServerStreaming) switch
        {
            (false, false) => MethodShape.Unary,
            (true, false) => MethodShape.ClientStreaming,
            (false, true) => MethodShape.ServerStreaming,
            _ => MethodShape.DuplexStreaming,
        };
        bool isOneWay = RpcOptions.IsOneWay(method);
        if (isOneWay && shape != MethodShape.Unary)
        {
            diagnostics.OneWayStream(place, method.Name);
        }

        string wireName = RpcOptions.WireName(method) ?? method.Name;
        if (!IsName(wireName))
        {
            diagnostics.BadName(place, "method_name", wireName);
        }

        Claim(place, serviceName, wireName);
        return new MethodModel(
            name, wireName, shape, Class(place, method.InputType), Class(place, method.OutputType), isOneWay,
            Aliases(place, serviceName, method), _locations.CommentOf(path), method.Options?.Deprecated ?? false);
    }

    private List<(string Service, string Method)> Aliases(SourcePlace place, string service, MethodDescriptorProto method)
    {
        List<(string Service, string Method)> aliases = [];
        foreach (string alias in RpcOptions.Aliases(method))
        {
            string[] parts = alias.Split('/');
            if (parts.Length > 2 || parts.Any(part => part.Length == 0))
            {
                diagnostics.BadName(place, "alias", alias);
                continue;
            }

            (string Service, string Method) names = parts.Length == 1 ? (service, parts[0]) : (parts[0], parts[1]);
            Claim(place, names.Service, names.Method);
            aliases.Add(names);
        }

        return aliases;
    }

    private void Claim(SourcePlace place, string service, string method)
    {
        if (!_wireNames.Add($"{service}/{method}"))
        {
            diagnostics.SameWireName(place, $"{service}/{method}");
        }
    }

    private string Class(SourcePlace place, string type)
    {
        if (types.ClassOf(type) is { } known)
        {
            return known;
        }

        diagnostics.UnknownType(place, type);
        return "object";
    }

    private static bool IsName(string name) => name.Length > 0 && !name.Contains('/', StringComparison.Ordinal);
}
