namespace Kestrel.Rpc.Generator;

/// <summary>Writes the class that a server's service derives from.</summary>
internal static class ServerEmitter
{
    private const string Context = Names.Middleware + "RpcContext context";

    public static void Emit(CodeWriter code, ServiceModel service, string qualifiedName)
    {
        string contract = Names.Middleware + "IRpcService";
        code.Lines($"""
            /// <summary>
            /// The server's side of {service.Name}: derive from it, override its methods, map the class with <c>app.MapRpcService&lt;T&gt;()</c>.
            /// A method that is not overridden fails with UNIMPLEMENTED.
            /// </summary>
            """);
        code.Open($"public abstract partial class {service.BaseName} : {contract}");
        code.Lines($"static {Names.Protocol}RpcServiceDescription {contract}.Description => {qualifiedName}.{service.DescriptionName};");
        code.Gap();
        code.Open($"static void {contract}.Bind({Names.Middleware}RpcServiceBinder binder)");
        foreach (MethodModel method in service.Methods)
        {
            Binding(code, service, method);
        }

        code.Close();
        foreach (MethodModel method in service.Methods)
        {
            code.Gap();
            Method(code, service, method);
        }

        code.Close();
    }

    private static void Binding(CodeWriter code, ServiceModel service, MethodModel method)
    {
        (string verb, string arguments) = method.Shape switch
        {
            MethodShape.Unary => ("Unary", "request, context"),
            MethodShape.ClientStreaming => ("ClientStream", "requests, context"),
            MethodShape.ServerStreaming => ("ServerStream", "request, replies, context"),
            _ => ("DuplexStream", "requests, replies, context"),
        };
        string head = $"binder.{verb}<{service.BaseName}, {method.Request}, {method.Reply}>({method.FieldName}, nameof({method.Name}), static";
        if (!method.IsOneWay)
        {
            code.Lines($"{head} (service, {arguments}) => service.{method.Name}({arguments}));");
            return;
        }

        // Whoever waits for the reply all the same gets an empty one.
        code.Open($"{head} async (service, {arguments}) =>");
        code.Lines($"await service.{method.Name}({arguments}).ConfigureAwait(false);\nreturn new {method.Reply}();");
        code.Close(");");
    }

    private static void Method(CodeWriter code, ServiceModel service, MethodModel method)
    {
        code.Lines(Documentation.Of(method.Comment, $"The method {method.Name}."));
        (string parameters, string documents) = Parameters(method);
        code.Lines(documents);
        bool hasResult = !method.IsOneWay && method.Shape is MethodShape.Unary or MethodShape.ClientStreaming;
        code.Lines($"/// <param name=\"context\">The call.</param>\n/// <returns>{Result(method, hasResult)}</returns>");
        if (method.IsDeprecated)
        {
            code.Lines(Names.Obsolete);
        }

        string returned = hasResult ? $"{Names.ValueTask}<{method.Reply}>" : Names.ValueTask;
        string message = Names.Literal($"{service.WireName}/{method.WireName} is not implemented.");
        code.Lines($"""
            public virtual {returned} {method.Name}({parameters}, {Context}) =>
                throw new {Names.Protocol}RpcException({Names.Protocol}RpcStatusCode.Unimplemented, {message});
            """);
    }

    private static string Result(MethodModel method, bool hasResult) => method switch
    {
        { IsOneWay: true } => "Ends when the call is done. Nobody waits for it.",
        _ when hasResult => "The reply.",
        _ => "Ends when every reply was written.",
    };

    private static (string Parameters, string Documents) Parameters(MethodModel method)
    {
        const string RequestText = "/// <param name=\"request\">The request.</param>";
        const string RequestsText = "/// <param name=\"requests\">The requests.</param>";
        const string RepliesText = "/// <param name=\"replies\">The replies.</param>";
        string request = $"{method.Request} request";
        string requests = $"{Names.Protocol}IRpcStreamReader<{method.Request}> requests";
        string replies = $"{Names.Protocol}IRpcStreamWriter<{method.Reply}> replies";
        return method.Shape switch
        {
            MethodShape.Unary => (request, RequestText),
            MethodShape.ClientStreaming => (requests, RequestsText),
            MethodShape.ServerStreaming => ($"{request}, {replies}", $"{RequestText}\n{RepliesText}"),
            _ => ($"{requests}, {replies}", $"{RequestsText}\n{RepliesText}"),
        };
    }
}
