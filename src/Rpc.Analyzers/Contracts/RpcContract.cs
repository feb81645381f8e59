namespace Kestrel.Rpc.Analyzers;

/// <summary>A contract as the writers need it: texts alone, so that an edit which changes nothing about it is seen to change nothing.</summary>
/// <param name="Namespace">Where the interface stands; empty for the global one.</param>
/// <param name="Outer">The declarations of the types around it, the outermost first.</param>
/// <param name="Interface">Its name.</param>
/// <param name="Accessibility">As code.</param>
/// <param name="Service">The service as it is called on the wire.</param>
/// <param name="Methods">Its methods, in the order of the source.</param>
/// <param name="HasServer">Whether the server's part can be generated: its library is referenced.</param>
/// <param name="HasClient">Whether the client's part can be generated.</param>
internal sealed record RpcContract(
    string Namespace,
    EquatableArray<string> Outer,
    string Interface,
    string Accessibility,
    string Service,
    EquatableArray<RpcContractMethod> Methods,
    bool HasServer,
    bool HasClient)
{
    /// <summary>The interface without the <c>I</c> in front.</summary>
    public string PlainName => Plain(Interface);

    /// <summary>The interface's name, made fit for a file or a type beside others.</summary>
    public string UniqueName
    {
        get
        {
            IEnumerable<string> outer = Outer.Select(item => item.Substring(item.LastIndexOf(' ') + 1));
            string[] parts = [.. Namespace.Length == 0 ? [] : (string[])[Namespace], .. outer, Interface];
            return string.Join(".", parts);
        }
    }

    public static string Plain(string name) => name.Length > 1 && name[0] == 'I' && char.IsUpper(name[1]) ? name.Substring(1) : name;
}

/// <summary>What a method of a contract returns.</summary>
internal enum RpcReturn
{
    Task,
    ValueTask,
    TaskOf,
    ValueTaskOf,
    Stream,
}

/// <summary>A method of a contract.</summary>
/// <param name="Declaring">The interface that declares it: the contract, or one that it inherits from.</param>
/// <param name="Name">Its C# name.</param>
/// <param name="Field">What its description is called in generated code.</param>
/// <param name="WireName">As it is called on the wire.</param>
/// <param name="Aliases">Further names, with the service.</param>
/// <param name="IsOneWay">Whether nobody waits for an answer.</param>
/// <param name="Request">The request message.</param>
/// <param name="RequestCodec">Its codec, as code.</param>
/// <param name="HasRequestStream">Whether there is a stream of them.</param>
/// <param name="Reply">The reply message.</param>
/// <param name="ReplyCodec">Its codec, as code.</param>
/// <param name="Return">What it returns.</param>
/// <param name="Parameters">The declarations of its parameters, as code; the request first unless <paramref name="IsTokenFirst"/>.</param>
/// <param name="RequestName">The parameter with the request.</param>
/// <param name="TokenName">The parameter with the token; null if there is none.</param>
/// <param name="IsTokenFirst">Whether the token stands in front of the request.</param>
/// <param name="Obsolete">The attribute that says so, as code; null for none.</param>
internal sealed record RpcContractMethod(
    string Declaring,
    string Name,
    string Field,
    string WireName,
    EquatableArray<string> Aliases,
    bool IsOneWay,
    string Request,
    string RequestCodec,
    bool HasRequestStream,
    string Reply,
    string ReplyCodec,
    RpcReturn Return,
    string Parameters,
    string RequestName,
    string? TokenName,
    bool IsTokenFirst,
    string? Obsolete)
{
    public bool HasReplyStream => Return == RpcReturn.Stream;

    /// <summary>The name of the shape, as the libraries' methods have it.</summary>
    public string Shape => (HasRequestStream, HasReplyStream) switch
    {
        (false, false) => "Unary",
        (true, false) => "ClientStream",
        (false, true) => "ServerStream",
        (true, true) => "DuplexStream",
    };

    public int ShapeNumber => (HasRequestStream ? 1 : 0) + (HasReplyStream ? 2 : 0);

    /// <summary>The arguments of a call of it, as code.</summary>
    public string Arguments(string request, string token) => TokenName is null ? request : IsTokenFirst ? $"{token}, {request}" : $"{request}, {token}";
}
