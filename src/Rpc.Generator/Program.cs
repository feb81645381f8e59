using System.Diagnostics.CodeAnalysis;
using Google.Protobuf;
using Google.Protobuf.Compiler;

namespace Kestrel.Rpc.Generator;

/// <summary>The plugin as protoc runs it: a request on the standard input, a response on the standard output.</summary>
internal static class Program
{
    [SuppressMessage("ApiDesign", "RS0030", Justification = "A program that protoc starts speaks through its standard streams.")]
    public static void Main()
    {
        using Stream input = Console.OpenStandardInput();
        using Stream output = Console.OpenStandardOutput();
        CodeGeneratorRequest request = CodeGeneratorRequest.Parser.WithExtensionRegistry(RpcOptions.Registry).ParseFrom(input);
        RpcPlugin.Run(request).WriteTo(output);
    }
}
