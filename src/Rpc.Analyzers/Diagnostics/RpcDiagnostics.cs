using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>What the analyzers say. The numbers are stable, and explained in docs/services.md.</summary>
internal static partial class RpcDiagnostics
{
    private const string Category = "Kestrel.Rpc";

    public static readonly DiagnosticDescriptor NoRequest = Error(
        "KRPC001", "The handler takes no message",
        "The handler has no parameter for its request message: give it one whose type is a generated protobuf message (google.protobuf.Empty stands for no data), or a stream of them");

    public static readonly DiagnosticDescriptor TwoRequests = Error(
        "KRPC002", "The handler takes two messages",
        "The handler has more than one message among its parameters: {0} and {1}; a call carries one request, or one stream of them");

    public static readonly DiagnosticDescriptor AbstractRequest = Error(
        "KRPC003", "The request cannot be created",
        "The handler takes its request '{0}' as {1}, which cannot be created: use a generated protobuf message");

    public static readonly DiagnosticDescriptor ByReference = Error(
        "KRPC004", "A parameter is taken by reference",
        "The handler takes its parameter '{0}' by reference: take it by value");

    public static readonly DiagnosticDescriptor Unbindable = Warning(
        "KRPC005", "A parameter cannot be bound",
        "The parameter '{0}' of type {1} is neither a message, an RpcContext nor a CancellationToken, and hardly a service: put it into the request message, or give it a default value");

    public static readonly DiagnosticDescriptor Result = Error(
        "KRPC006", "The result is no reply",
        "The handler returns {0}: it must return a protobuf message, a Task or ValueTask of one, an IAsyncEnumerable<T> of them, or nothing (void, Task or ValueTask)");

    public static readonly DiagnosticDescriptor AsyncVoid = Error(
        "KRPC007", "The handler is async void", "The handler is 'async void', so nobody can tell when it is done: return a Task");

    public static readonly DiagnosticDescriptor TwoWriters = Error(
        "KRPC008", "The handler writes two streams", "The handler has more than one stream to write to: of {0} and of {1}; a call has one");

    public static readonly DiagnosticDescriptor WriterResult = Error(
        "KRPC009", "A handler that writes a stream returns something else",
        "The handler writes its replies to an IRpcStreamWriter<{0}> and returns {1}: it must return a Task or a ValueTask, which ends when everything is written");

    public static readonly DiagnosticDescriptor MethodName = Error(
        "KRPC010", "Not the name of an RPC method",
        "'{0}' is not the name of an RPC method: write the service and the method with one slash between them and no white space, for example \"inventory/Find\"");

    public static readonly DiagnosticDescriptor DuplicateMethod = Error(
        "KRPC011", "The method is mapped twice", "The RPC method '{0}' is mapped twice: give one of them another name");

    private static DiagnosticDescriptor Error(string id, string title, string message) => Create(id, title, message, DiagnosticSeverity.Error);

    private static DiagnosticDescriptor Warning(string id, string title, string message) => Create(id, title, message, DiagnosticSeverity.Warning);

    private static DiagnosticDescriptor Create(string id, string title, string message, DiagnosticSeverity severity) =>
        new(id, title, message, Category, severity, isEnabledByDefault: true);
}
