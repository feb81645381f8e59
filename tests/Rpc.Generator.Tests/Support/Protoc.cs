using Google.Protobuf;
using Google.Protobuf.Compiler;
using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>Reads .proto files with protoc and runs the generator on them inside the test's process.</summary>
internal static class Protoc
{
    /// <summary>Generates from files of Protos/.</summary>
    public static async Task<CodeGeneratorResponse> GenerateAsync(string parameter, params string[] files) =>
        RpcPlugin.Run(await RequestAsync(Path.Combine(Paths.Tests, "Protos"), parameter, files));

    /// <summary>Generates from the text of a file, test.proto.</summary>
    public static async Task<CodeGeneratorResponse> GenerateTextAsync(string parameter, string text)
    {
        using TemporaryFolder folder = new();
        folder.Write("test.proto", text);
        return RpcPlugin.Run(await RequestAsync(folder.Path, parameter, ["test.proto"]));
    }

    /// <summary>What protoc would ask of a plugin.</summary>
    private static async Task<CodeGeneratorRequest> RequestAsync(string root, string parameter, string[] files)
    {
        using TemporaryFolder folder = new();
        (await Command.RunAsync(
            Paths.Protoc, root,
            [$"-I{root}", $"-I{Paths.Include}", $"-I{Paths.GrpcTools}/build/native/include",
                "--include_imports", "--include_source_info", $"--descriptor_set_out={folder["set"]}", .. files])).Succeeded();
        FileDescriptorSet set = FileDescriptorSet.Parser.WithExtensionRegistry(RpcOptions.Registry).ParseFrom(await File.ReadAllBytesAsync(folder["set"]));
        CodeGeneratorRequest request = new() { Parameter = parameter };
        request.ProtoFile.Add(set.File);
        request.FileToGenerate.Add(files);
        return request;
    }
}
