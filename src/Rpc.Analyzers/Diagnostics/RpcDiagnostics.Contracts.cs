using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <remarks>What is said of interfaces with [RpcService].</remarks>
internal static partial class RpcDiagnostics
{
    public static readonly DiagnosticDescriptor NotPartial = Error(
        "KRPC020", "The contract is not partial",
        "'{0}' must be 'partial', so that the code of the service '{1}' can be added to it");

    public static readonly DiagnosticDescriptor GenericContract = Error(
        "KRPC021", "The contract is generic",
        "The service '{0}' cannot be generic, nor stand in a generic type: its description is one for all");

    public static readonly DiagnosticDescriptor HiddenContract = Error(
        "KRPC022", "The contract is hidden", "The service '{0}' must be public or internal, and no type around it private: generated code uses it");

    public static readonly DiagnosticDescriptor ServiceName = Error(
        "KRPC023", "Not the name of a service", "'{0}' is not the name of an RPC service: write it without slash and white space, for example \"shop.Inventory\"");

    public static readonly DiagnosticDescriptor ContractMethodName = Error(
        "KRPC024", "Not the name of a method", "'{0}' is not the name of a method of a service: write it without slash and white space");

    public static readonly DiagnosticDescriptor ContractParameters = Error(
        "KRPC025", "A method of a contract takes no message, or several",
        "'{0}' has {1} parameters beside its CancellationToken: a method of a service takes exactly one message, or one IAsyncEnumerable<T> of them");

    public static readonly DiagnosticDescriptor ContractByReference = Error(
        "KRPC026", "A method of a contract takes a reference", "The parameter '{0}' of '{1}' is passed by reference, and its caller is in another process: take it by value");

    public static readonly DiagnosticDescriptor GenericMethod = Error(
        "KRPC027", "A method of a contract is generic", "'{0}' is generic: a method of a service has the same messages in every call");

    public static readonly DiagnosticDescriptor ContractResult = Error(
        "KRPC028", "A method of a contract returns something else",
        "'{0}' returns {1}: a method of a service returns a Task or ValueTask of a message, a Task or ValueTask (an empty reply), or an IAsyncEnumerable<T> of messages");

    public static readonly DiagnosticDescriptor NoMethod = Error(
        "KRPC029", "A member of a contract is no method", "'{0}' of the service '{1}' is a property, an event or a static member: a service has methods only");

    public static readonly DiagnosticDescriptor WithoutCodec = Error(
        "KRPC030", "A message has no codec",
        "{0} of '{1}' is no message: use a generated protobuf message, or a class that a [RpcCodec] of the interface knows (for JSON: [JsonSerializable(typeof(...))] on the named JsonSerializerContext)");

    public static readonly DiagnosticDescriptor NoCodec = Error(
        "KRPC031", "[RpcCodec] names no codec",
        "'{0}' is no codec: [RpcCodec] names a JsonSerializerContext, or a class with a public constructor without parameters that implements IRpcCodec<T>");

    public static readonly DiagnosticDescriptor DuplicateContractMethod = Error(
        "KRPC032", "Two methods of a contract have one name", "'{0}' and '{1}' are both called '{2}' on the wire: give one of them another name with [RpcMethod(\"...\")]");

    public static readonly DiagnosticDescriptor OneWay = Error(
        "KRPC033", "A one-way method waits for something", "'{0}' is one way: it must take one message, no stream, and return a Task or a ValueTask");
}
