using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>An edit that changes nothing about a contract or a mapping generates nothing again.</summary>
public sealed class CachingTests
{
    private const string Contract = """
        namespace Shop;
        [RpcService] public partial interface IShop { Task<HelloReply> FindAsync(HelloRequest r); }
        """;

    private const string Mapping = """
        public static class Program { public static void Map(WebApplication app) => app.MapRpc("a/B", (HelloRequest r) => new HelloReply()); }
        """;

    private const string Other = "public class Other { public int A() => 1; }";

    [Fact]
    public void Edit_Elsewhere_GeneratesNothingAgain()
    {
        GeneratorDriverRunResult second = RunTwice("public class Other { public int A() => 2; public int B; }", file: 3);

        Assert.Equal([IncrementalStepRunReason.Cached], Reasons(second, ContractGenerator.ContractsStep));
        Assert.Equal([IncrementalStepRunReason.Cached], Outputs(second, nameof(ContractGenerator)));
        Assert.Equal([IncrementalStepRunReason.Cached], Outputs(second, nameof(MapRpcGenerator)));
    }

    [Fact]
    public void Edit_OfTheInterfaceThatChangesNothing_GeneratesNothingAgain()
    {
        GeneratorDriverRunResult second = RunTwice(Contract.Replace("partial interface", "partial /* as before */ interface", StringComparison.Ordinal), file: 1);

        Assert.Equal([IncrementalStepRunReason.Cached], Reasons(second, ContractGenerator.ContractsStep));
        Assert.Equal([IncrementalStepRunReason.Cached], Outputs(second, nameof(ContractGenerator)));
    }

    [Fact]
    public void Edit_OfTheInterface_GeneratesItAgainAlone()
    {
        GeneratorDriverRunResult second = RunTwice(Contract.Replace("FindAsync", "SeekAsync", StringComparison.Ordinal), file: 1);

        Assert.Equal([IncrementalStepRunReason.Modified], Reasons(second, ContractGenerator.ContractsStep));
        Assert.Equal([IncrementalStepRunReason.Modified], Outputs(second, nameof(ContractGenerator)));
        Assert.Equal([IncrementalStepRunReason.Cached], Outputs(second, nameof(MapRpcGenerator)));
    }

    private static GeneratorDriverRunResult RunTwice(string edited, int file)
    {
        CSharpCompilation compilation = Driver.Compile([Contract, Mapping, Other]);
        GeneratorDriver driver = Driver.Create().RunGenerators(compilation);
        SyntaxTree old = compilation.SyntaxTrees[file];
        SyntaxTree tree = CSharpSyntaxTree.ParseText(edited, Driver.Options(), old.FilePath, System.Text.Encoding.UTF8);
        return driver.RunGenerators(compilation.ReplaceSyntaxTree(old, tree)).GetRunResult();
    }

    private static IEnumerable<IncrementalStepRunReason> Reasons(GeneratorDriverRunResult run, string step) =>
        run.Results.Where(item => item.TrackedSteps.ContainsKey(step)).SelectMany(item => item.TrackedSteps[step]).SelectMany(item => item.Outputs).Select(item => item.Reason);

    private static IEnumerable<IncrementalStepRunReason> Outputs(GeneratorDriverRunResult run, string generator) =>
        run.Results.Where(item => item.Generator.GetGeneratorType().Name == generator)
            .SelectMany(item => item.TrackedOutputSteps.Values).SelectMany(item => item).SelectMany(item => item.Outputs).Select(item => item.Reason);
}
