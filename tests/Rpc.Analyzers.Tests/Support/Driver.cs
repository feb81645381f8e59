using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>Runs generators and analyzers over code, with the references of this program.</summary>
internal static class Driver
{
    private const string Usings = """
        global using System;
        global using System.Collections.Generic;
        global using System.Linq;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Google.Protobuf;
        global using Google.Protobuf.WellKnownTypes;
        global using Hello;
        global using Kestrel.Rpc.Middleware;
        global using Kestrel.Rpc.Protocol;
        global using Microsoft.AspNetCore.Builder;
        global using Microsoft.Extensions.DependencyInjection;
        """;

    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':').Select(file => MetadataReference.CreateFromFile(file)),
    ];

    public static CSharpParseOptions Options(bool interceptors = true)
    {
        CSharpParseOptions options = new(LanguageVersion.Preview);
        return interceptors ? options.WithFeatures([new("InterceptorsNamespaces", "Kestrel.Rpc.Generated")]) : options;
    }

    /// <param name="code">The files.</param>
    /// <param name="interceptors">Whether the compiler takes interceptors.</param>
    /// <param name="without">Libraries that are not referenced.</param>
    public static CSharpCompilation Compile(string[] code, bool interceptors = true, params string[] without)
    {
        IEnumerable<SyntaxTree> trees = code.Prepend(Usings).Select((text, i) => CSharpSyntaxTree.ParseText(text, Options(interceptors), $"/test/File{i}.cs", System.Text.Encoding.UTF8));
        IEnumerable<MetadataReference> references = References.Where(item => !without.Any(name => item.Display!.EndsWith($"/{name}.dll", StringComparison.Ordinal)));
        return CSharpCompilation.Create("Test", trees, references, new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable, allowUnsafe: true));
    }

    public static CSharpGeneratorDriver Create(bool interceptors = true) => CSharpGeneratorDriver.Create(
        [new MapRpcGenerator().AsSourceGenerator(), new ContractGenerator().AsSourceGenerator()],
        parseOptions: Options(interceptors),
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));

    /// <summary>Generates, and expects that the result compiles.</summary>
    /// <returns>The generated files by their names.</returns>
    public static Dictionary<string, string> Generate(CSharpCompilation compilation, bool interceptors = true)
    {
        GeneratorDriver driver = Create(interceptors).RunGeneratorsAndUpdateCompilation(compilation, out Compilation output, out ImmutableArray<Diagnostic> faults);
        Assert.Empty(faults);
        Assert.Empty(output.GetDiagnostics().Where(item => item.Severity == DiagnosticSeverity.Error));
        using MemoryStream stream = new();
        Assert.True(output.Emit(stream).Success);
        return driver.GetRunResult().Results.SelectMany(item => item.GeneratedSources).ToDictionary(item => item.HintName, item => item.SourceText.ToString());
    }

    /// <summary>Generates from one file.</summary>
    public static Dictionary<string, string> Generate(string code) => Generate(Compile([code]));

    /// <summary>What the analyzers say of code in which the places are marked with «».</summary>
    /// <param name="marked">The code.</param>
    /// <returns>Ids, messages, and whether each is at a mark.</returns>
    public static async Task<IReadOnlyList<Found>> AnalyzeAsync(string marked)
    {
        string code = marked.Replace("«", "", StringComparison.Ordinal).Replace("»", "", StringComparison.Ordinal);
        CSharpCompilation compilation = Compile([code]);
        ImmutableArray<Diagnostic> diagnostics = await compilation
            .WithAnalyzers([new MapRpcAnalyzer(), new ContractAnalyzer()])
            .GetAnalyzerDiagnosticsAsync(CancellationToken.None)
            .WaitAsync(TimeSpan.FromSeconds(60));
        return [.. diagnostics.OrderBy(item => item.Location.SourceSpan.Start).Select(item => new Found(item.Id, item.GetMessage(null), Text(code, item)))];
    }

    /// <summary>The marked parts of code.</summary>
    public static string[] Marks(string marked) =>
        [.. marked.Split('«').Skip(1).Select(part => part[..part.IndexOf('»', StringComparison.Ordinal)])];

    private static string Text(string code, Diagnostic diagnostic) =>
        code.Substring(diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length);
}
