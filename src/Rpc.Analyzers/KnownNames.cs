namespace Kestrel.Rpc.Analyzers;

/// <summary>The types that the analyzers look for and the generators write, by their full names.</summary>
internal static class KnownNames
{
    public const string AsyncEnumerable = "System.Collections.Generic.IAsyncEnumerable";
    public const string AsyncStateMachine = "System.Runtime.CompilerServices.AsyncStateMachineAttribute";
    public const string CancellationToken = "System.Threading.CancellationToken";
    public const string CodecAttribute = "Kestrel.Rpc.Protocol.RpcCodecAttribute";
    public const string Codec = "Kestrel.Rpc.Protocol.IRpcCodec";
    public const string Client = "Kestrel.Rpc.Client.IRpcClient`1";
    public const string Context = "Kestrel.Rpc.Middleware.RpcContext";
    public const string Empty = "Google.Protobuf.WellKnownTypes.Empty";
    public const string Extensions = "Microsoft.AspNetCore.Builder.RpcEndpointRouteBuilderExtensions";
    public const string FromKeyedServices = "Microsoft.Extensions.DependencyInjection.FromKeyedServicesAttribute";
    public const string GeneratedNamespace = "Kestrel.Rpc.Generated";
    public const string GroupBuilder = "Kestrel.Rpc.Middleware.RpcGroupBuilder";
    public const string JsonContext = "System.Text.Json.Serialization.JsonSerializerContext";
    public const string JsonSerializable = "System.Text.Json.Serialization.JsonSerializableAttribute";
    public const string Message = "Google.Protobuf.IMessage";
    public const string MethodAttribute = "Kestrel.Rpc.Protocol.RpcMethodAttribute";
    public const string Service = "Kestrel.Rpc.Middleware.IRpcService";
    public const string ServiceAttribute = "Kestrel.Rpc.Protocol.RpcServiceAttribute";
    public const string ServiceProvider = "System.IServiceProvider";
    public const string StreamExtensions = "Microsoft.AspNetCore.Builder.RpcStreamRouteBuilderExtensions";
    public const string StreamReader = "Kestrel.Rpc.Protocol.IRpcStreamReader";
    public const string StreamWriter = "Kestrel.Rpc.Protocol.IRpcStreamWriter";
    public const string Task = "System.Threading.Tasks.Task";
    public const string WebApplication = "Microsoft.AspNetCore.Builder.WebApplication";
    public const string ValueTask = "System.Threading.Tasks.ValueTask";
}
