namespace Kestrel.Rpc.Generator;

/// <summary>Writes the class that clients call: every method once with what calls mostly have, and once with everything.</summary>
internal static class ClientEmitter
{
    private const string Options = Names.Client + "RpcCallOptions";
    private const string Usual =
        "global::System.TimeSpan? deadline = null, " + Names.Protocol + "RpcMetadata? metadata = null, "
        + "global::System.Threading.CancellationToken cancellationToken = default";

    private const string UsualAsOptions = "new " + Options + " { Timeout = deadline, Metadata = metadata, CancellationToken = cancellationToken }";

    private const string UsualText = """
        /// <param name="deadline">How long the call may take; null does not limit it.</param>
        /// <param name="metadata">Metadata of the request; null for none.</param>
        /// <param name="cancellationToken">Gives the call up.</param>
        """;

    private const string OptionsText = "/// <param name=\"options\">What the call has beside its messages.</param>";
    private const string UnderWay = "The call, under way. It never throws: its streams tell of a failure.";

    public static void Emit(CodeWriter code, ServiceModel service)
    {
        string name = service.ClientName;
        string contract = $"{Names.Client}IRpcClient<{name}>";
        code.Lines($"/// <summary>The client's side of {service.Name}: calls its methods through an invoker, such as a connection. Any thread.</summary>");
        code.Open($"public partial class {name} : {contract}");
        code.Lines($"private readonly {Names.Client}RpcCallInvoker _invoker;");
        code.Gap();
        code.Lines("/// <summary>Makes a client.</summary>\n/// <param name=\"invoker\">What makes the calls. Not disposed of.</param>");
        code.Open($"public {name}({Names.Client}RpcCallInvoker invoker)");
        code.Lines("global::System.ArgumentNullException.ThrowIfNull(invoker);\n_invoker = invoker;");
        code.Close();
        code.Gap();
        code.Lines("/// <summary>For tests that override every method they call: there is nothing to call through.</summary>");
        code.Open($"protected {name}()");
        code.Lines("_invoker = null!;");
        code.Close();
        code.Gap();
        code.Lines($"static {name} {contract}.Create({Names.Client}RpcCallInvoker invoker) => new(invoker);");

        HashSet<string> taken = new(StringComparer.Ordinal) { name };
        foreach (MethodModel method in service.Methods)
        {
            Method(code, method, taken);
        }

        code.Close();
    }

    private static void Method(CodeWriter code, MethodModel method, HashSet<string> taken)
    {
        if (method.Shape == MethodShape.Unary)
        {
            Unary(code, method, taken);
            return;
        }

        (string call, string invoked) = method.Shape switch
        {
            MethodShape.ServerStreaming => ($"RpcServerStreamingCall<{method.Reply}>", "StartServerStream"),
            MethodShape.ClientStreaming => ($"RpcClientStreamingCall<{method.Request}, {method.Reply}>", "StartClientStream"),
            _ => ($"RpcDuplexStreamingCall<{method.Request}, {method.Reply}>", "StartDuplexStream"),
        };
        Pair(code, method, Names.Client + call, Free(taken, method.Name, name => [name]), invoked, UnderWay);
    }

    private static void Unary(CodeWriter code, MethodModel method, HashSet<string> taken)
    {
        if (method.IsOneWay)
        {
            Pair(code, method, "global::System.Threading.Tasks.Task", Free(taken, method.Name, name => [name + "Async"]) + "Async", "SendOneWayAsync",
                "Ends when the request was handed to the transport: what comes of it is never known.");
            return;
        }

        string name = Free(taken, method.Name, name => [name + "Async", "Start" + name]);
        Pair(code, method, $"{Names.ValueTask}<{method.Reply}>", name + "Async", "CallAsync", "The reply. Await it once.");
        code.Gap();
        Head(code, method, OptionsText, "The call, under way: its reply, metadata, trailers, status and attachment.");
        code.Lines($"""
            public virtual {Names.Client}RpcUnaryCall<{method.Reply}> Start{name}({method.Request} request, {Options} options = default) =>
                _invoker.StartCall({method.FieldName}, request, options);
            """);
    }

    /// <summary>One method of the client twice: with a deadline, metadata and a token, and with all options.</summary>
    private static void Pair(CodeWriter code, MethodModel method, string returned, string name, string invoked, string returns)
    {
        (string parameter, string argument) = HasRequest(method) ? ($"{method.Request} request, ", "request, ") : ("", "");
        code.Gap();
        Head(code, method, UsualText, returns);
        code.Lines($"""
            public virtual {returned} {name}({parameter}{Usual}) =>
                _invoker.{invoked}({method.FieldName}, {argument}{UsualAsOptions});
            """);
        code.Gap();
        Head(code, method, OptionsText, returns);
        code.Lines($"""
            public virtual {returned} {name}({parameter}{Options} options) =>
                _invoker.{invoked}({method.FieldName}, {argument}options);
            """);
    }

    private static void Head(CodeWriter code, MethodModel method, string parameters, string returns)
    {
        code.Lines(Documentation.Of(method.Comment, $"Calls {method.Name}."));
        if (HasRequest(method))
        {
            code.Lines("/// <param name=\"request\">The request. Not to be changed before the call has ended.</param>");
        }

        code.Lines(parameters);
        code.Lines($"/// <returns>{returns}</returns>");
        if (method.IsDeprecated)
        {
            code.Lines(Names.Obsolete);
        }
    }

    private static bool HasRequest(MethodModel method) => method.Shape is MethodShape.Unary or MethodShape.ServerStreaming;

    /// <summary>The method's name, with as many underscores behind it as keep the members made of it apart from all before.</summary>
    private static string Free(HashSet<string> taken, string name, Func<string, string[]> members)
    {
        while (members(name).Any(taken.Contains))
        {
            name += "_";
        }

        taken.UnionWith(members(name));
        return name;
    }
}
