namespace Kestrel.Rpc.Analyzers;

/// <summary>How a parameter is bound.</summary>
internal enum HandlerParameterKind
{
    Request,
    ReadAll,
    Reader,
    Writer,
    Context,
    CancellationToken,
    Services,
    Service,
}

/// <summary>A parameter.</summary>
/// <param name="Kind">How it is bound.</param>
/// <param name="Type">Its type; of a stream the type of its messages.</param>
/// <param name="Name">The name of a service, for messages.</param>
/// <param name="Key">The key of a keyed service, as code; null for none.</param>
/// <param name="Default">Its default value, as code; null for none.</param>
internal sealed record HandlerParameter(HandlerParameterKind Kind, string Type, string Name = "", string? Key = null, string? Default = null);

/// <summary>What becomes of the result.</summary>
/// <param name="Method">The method of RpcDelegateBinding that takes it; empty if it is awaited alone.</param>
/// <param name="Message">Its type argument; null for none.</param>
internal readonly record struct HandlerResult(string Method, string? Message);

/// <summary>A handler as the writer needs it: texts alone, so that two of a kind are equal and share an interceptor.</summary>
/// <param name="DelegateType">The delegate's type; null if it has no name.</param>
/// <param name="Request">The request message.</param>
/// <param name="Shape">The number in RpcMethodShape.</param>
/// <param name="Parameters">In order.</param>
/// <param name="ReturnType">What it returns.</param>
/// <param name="Result">What becomes of that.</param>
internal sealed record HandlerShape(
    string? DelegateType, string Request, int Shape, EquatableArray<HandlerParameter> Parameters, string ReturnType, HandlerResult Result);
