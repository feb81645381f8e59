namespace Kestrel.Rpc.Analyzers;

/// <summary>Writes the client of a contract: the interface itself, and the same methods with options of calls.</summary>
internal static class ClientWriter
{
    private const string Client = "global::Kestrel.Rpc.Client";
    private const string Streams = $"{Client}.RpcCallInvokerExtensions";
    private const string Tasks = "global::System.Threading.Tasks";

    public static void Write(CodeWriter code, RpcContract contract)
    {
        string name = $"{contract.PlainName}Client";
        code.Line($"/// <summary>Calls the service \"{contract.Service}\" on a server. Any thread, as its invoker.</summary>")
            .Open($"{contract.Accessibility} sealed partial class {name} : {contract.Interface}, {Client}.IRpcClient<{name}>")
            .Line($"private readonly {Client}.RpcCallInvoker _invoker;")
            .Line()
            .Line("/// <summary>Makes a client.</summary>")
            .Line("/// <param name=\"invoker\">What it calls with; not disposed of by the client.</param>")
            .Open($"public {name}({Client}.RpcCallInvoker invoker)")
            .Line("global::System.ArgumentNullException.ThrowIfNull(invoker);")
            .Line("_invoker = invoker;")
            .Close()
            .Line()
            .Line($"static {name} {Client}.IRpcClient<{name}>.Create({Client}.RpcCallInvoker invoker) => new {name}(invoker);");
        foreach (RpcContractMethod method in contract.Methods)
        {
            WriteMethod(code, contract, method);
        }

        code.Close();
    }

    private static void WriteMethod(CodeWriter code, RpcContract contract, RpcContractMethod method)
    {
        string field = $"{ContractWriter.Methods(contract)}.{method.Field}";
        string type = method.HasRequestStream ? $"global::{KnownNames.AsyncEnumerable}<{method.Request}>" : method.Request;
        string token = method.TokenName is null
            ? $"default({Client}.RpcCallOptions)"
            : $"new {Client}.RpcCallOptions {{ CancellationToken = {method.TokenName} }}";
        WriteOne(code, method, method.Parameters, Call(method, field, method.RequestName, token));
        WriteOne(code, method, $"{type} request, {Client}.RpcCallOptions options", Call(method, field, "request", "options"));
        if (!method.IsOneWay)
        {
            WriteStart(code, method, field);
        }
    }

    private static void WriteOne(CodeWriter code, RpcContractMethod method, string parameters, string call)
    {
        code.Line().Line("/// <inheritdoc/>");
        if (method.Obsolete is { } obsolete)
        {
            code.Line(obsolete);
        }

        bool isAsync = method is { Return: RpcReturn.ValueTask, IsOneWay: false };
        code.Line($"public {(isAsync ? "async " : "")}{ReturnType(method)} {method.Name}({parameters}) => {call};");
    }

    // The call itself, with its metadata, trailers and status.
    private static void WriteStart(CodeWriter code, RpcContractMethod method, string field)
    {
        (string start, string result) = method.Shape switch
        {
            "Unary" => ("StartCall", $"RpcUnaryCall<{method.Reply}>"),
            "ClientStream" => ("StartClientStream", $"RpcClientStreamingCall<{method.Request}, {method.Reply}>"),
            "ServerStream" => ("StartServerStream", $"RpcServerStreamingCall<{method.Reply}>"),
            _ => ("StartDuplexStream", $"RpcDuplexStreamingCall<{method.Request}, {method.Reply}>"),
        };
        string name = method.Name.EndsWith("Async", StringComparison.Ordinal) ? method.Name.Substring(0, method.Name.Length - 5) : method.Name;
        string parameter = method.HasRequestStream ? "" : $"{method.Request} request, ";
        string argument = method.HasRequestStream ? "" : "request, ";
        code.Line().Line($"/// <summary>Starts a call of {name}, for all that it comes to: metadata, trailers, status. Dispose of it.</summary>");
        if (method.Obsolete is { } obsolete)
        {
            code.Line(obsolete);
        }

        code.Line($"public {Client}.{result} Start{name}({parameter}{Client}.RpcCallOptions options = default) => _invoker.{start}({field}, {argument}options);");
    }

    private static string ReturnType(RpcContractMethod method) => method.Return switch
    {
        RpcReturn.Task => $"{Tasks}.Task",
        RpcReturn.ValueTask => $"{Tasks}.ValueTask",
        RpcReturn.TaskOf => $"{Tasks}.Task<{method.Reply}>",
        RpcReturn.ValueTaskOf => $"{Tasks}.ValueTask<{method.Reply}>",
        _ => $"global::{KnownNames.AsyncEnumerable}<{method.Reply}>",
    };

    private static string Call(RpcContractMethod method, string field, string request, string options)
    {
        string arguments = $"({field}, {request}, {options})";
        if (method.IsOneWay)
        {
            string send = $"_invoker.SendOneWayAsync{arguments}";
            return method.Return == RpcReturn.Task ? send : $"new {Tasks}.ValueTask({send})";
        }

        switch (method.Shape)
        {
            case "ServerStream":
                return $"{Streams}.ReadServerStreamAsync(_invoker, {field}, {request}, {options})";
            case "DuplexStream":
                return $"{Streams}.ReadDuplexStreamAsync(_invoker, {field}, {request}, {options})";
            case "ClientStream":
                string sent = $"{Streams}.CallClientStreamAsync(_invoker, {field}, {request}, {options})";
                return method.Return switch
                {
                    RpcReturn.ValueTaskOf => $"new {Tasks}.ValueTask<{method.Reply}>({sent})",
                    RpcReturn.ValueTask => $"await {sent}.ConfigureAwait(false)",
                    _ => sent,
                };
            default:
                string call = $"_invoker.CallAsync{arguments}";
                return method.Return switch
                {
                    RpcReturn.ValueTaskOf => call,
                    RpcReturn.ValueTask => $"await {call}.ConfigureAwait(false)",
                    _ => $"{call}.AsTask()",
                };
        }
    }
}
