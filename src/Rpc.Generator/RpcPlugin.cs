using Google.Protobuf;
using Google.Protobuf.Compiler;
using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>Answers protoc: for every .proto that it is asked for, one C# file with its services. Pure: no files, no streams.</summary>
internal static class RpcPlugin
{
    // CodeGeneratorResponse.Feature of plugin.proto: optional fields of proto3, and editions.
    private const ulong SupportedFeatures = 1 | 2;

    // The oldest and the newest edition, PROTO2 and 2023. The package of Google.Protobuf does not know these fields of plugin.proto yet.
    private static readonly byte[] Editions =
    [
        0x18, 0xe6, 0x07, // minimum_edition = 3: 998
        0x20, 0xe8, 0x07, // maximum_edition = 4: 1000
    ];

    public static CodeGeneratorResponse Run(CodeGeneratorRequest request)
    {
        CodeGeneratorResponse response = new() { SupportedFeatures = SupportedFeatures };
        response.MergeFrom(Editions);
        try
        {
            Generate(request, GeneratorParameters.Parse(request.Parameter), response);
        }
        catch (FormatException exception)
        {
            response.Error = exception.Message;
        }

        return response;
    }

    private static void Generate(CodeGeneratorRequest request, GeneratorParameters parameters, CodeGeneratorResponse response)
    {
        ProtoTypes types = new(request.ProtoFile);
        Dictionary<string, FileDescriptorProto> files = request.ProtoFile.ToDictionary(file => file.Name, StringComparer.Ordinal);
        List<GeneratorDiagnostic> found = [];
        foreach (string name in request.FileToGenerate)
        {
            DiagnosticBag diagnostics = new(parameters.Source ?? name);
            IReadOnlyList<ServiceModel> services = new ServiceReader(files[name], types, diagnostics).Read();
            if (services.Count == 0 && parameters.AreServicesDemanded)
            {
                diagnostics.NoServices();
            }

            // A file without services gets its file, too: code of a service that is gone must not stay.
            string baseName = CSharpNames.FileNameOf(name) + "Rpc";
            response.File.Add(new CodeGeneratorResponse.Types.File
            {
                Name = baseName + ".cs",
                Content = FileEmitter.Emit(files[name], services, parameters),
            });
            if (parameters.Source is not null)
            {
                response.File.Add(new CodeGeneratorResponse.Types.File
                {
                    Name = baseName + ".diagnostics",
                    Content = string.Concat(diagnostics.All.Select(diagnostic => $"{diagnostic}\n")),
                });
            }

            found.AddRange(diagnostics.All);
        }

        // Without our targets protoc's own error is the only way to say something.
        if (parameters.Source is null && found.Any(diagnostic => diagnostic.IsError))
        {
            response.File.Clear();
            response.Error = string.Join('\n', found.Where(diagnostic => diagnostic.IsError));
        }
    }
}
