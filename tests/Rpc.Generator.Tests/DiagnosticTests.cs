using Google.Protobuf.Compiler;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>What authors of .proto files are told: the number, the place, and that correct files have nothing of it.</summary>
public sealed class DiagnosticTests
{
    // Twelve lines, so that what follows begins at line 13.
    private const string Head = """
        syntax = "proto3";

        package test;

        import "kestrel/rpc/options.proto";

        option csharp_namespace = "Test";

        message M {}

        // What follows is wrong.


        """;

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { "service S { rpc Ask (M) returns (M);\n  rpc ask (M) returns (M); }", "test.proto(14,3): error KRPC102", "'Ask'" },
        { "service S { rpc a_b (M) returns (M);\n\n  rpc aB (stream M) returns (M); }", "test.proto(15,3): error KRPC102", "'AB'" },
        {
            "service S { rpc A (M) returns (M);\n  rpc B (M) returns (M) { option (kestrel.rpc.method_name) = \"A\"; } }",
            "test.proto(14,3): error KRPC103", "'test.S/A'"
        },
        {
            "service S { rpc A (M) returns (M) { option (kestrel.rpc.alias) = \"x/Y\"; }\n  rpc B (M) returns (M) { option (kestrel.rpc.alias) = \"x/Y\"; } }",
            "test.proto(14,3): error KRPC103", "'x/Y'"
        },
        {
            "service S { option (kestrel.rpc.service_name) = \"same\"; rpc A (M) returns (M); }\nservice T { option (kestrel.rpc.service_name) = \"same\";\nrpc A (M) returns (M); }",
            "test.proto(15,1): error KRPC103", "'same/A'"
        },
        { "service S { rpc A (stream M) returns (M) { option (kestrel.rpc.oneway) = true; } }", "test.proto(13,13): error KRPC104", "'A'" },
        { "service S { rpc A (M) returns (stream M) { option (kestrel.rpc.oneway) = true; } }", "test.proto(13,13): error KRPC104", "'A'" },
        { "service S { option (kestrel.rpc.service_name) = \"a/b\"; }", "test.proto(13,1): error KRPC105", "service_name" },
        { "service S { option (kestrel.rpc.service_name) = \"\"; }", "test.proto(13,1): error KRPC105", "service_name" },
        { "service S { rpc A (M) returns (M) { option (kestrel.rpc.method_name) = \"a/b\"; } }", "test.proto(13,13): error KRPC105", "method_name" },
        { "service S { rpc A (M) returns (M) { option (kestrel.rpc.alias) = \"a/b/c\"; } }", "test.proto(13,13): error KRPC105", "'a/b/c'" },
        { "service S { rpc A (M) returns (M) { option (kestrel.rpc.alias) = \"/c\"; } }", "test.proto(13,13): error KRPC105", "'/c'" },
        { "service TestReflection { rpc A (M) returns (M); }", "test.proto(13,1): error KRPC106", "test.proto" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task Mistake_InAFile_IsToldWithItsPlace(string text, string place, string detail)
    {
        CodeGeneratorResponse response = await Protoc.GenerateTextAsync("services=Both,diagnostics=test.proto", Head + text);

        Assert.Empty(response.Error);
        string line = Assert.Single(DiagnosticsOf(response).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith(place + ": ", line, StringComparison.Ordinal);
        Assert.Contains(detail, line, StringComparison.Ordinal);
    }

    /// <summary>Without our targets there is only protoc to say it.</summary>
    [Fact]
    public async Task Mistake_WithBareProtoc_FailsAndMakesNothing()
    {
        CodeGeneratorResponse response = await Protoc.GenerateTextAsync("", Head + "service S { rpc A (M) returns (M); rpc a (M) returns (M); }");

        Assert.StartsWith("test.proto(13,36): error KRPC102: ", response.Error, StringComparison.Ordinal);
        Assert.Empty(response.File);
    }

    [Theory]
    [InlineData("services=Both,diagnostics=a, b/test.proto", "a, b/test.proto(1,1): warning KRPC101: ")]
    [InlineData("services=server,diagnostics=test.proto", "test.proto(1,1): warning KRPC101: ")]
    [InlineData("services=,diagnostics=test.proto", "")]
    public async Task File_WithoutServices_IsToldIfSomeWereDemanded(string parameter, string expected)
    {
        CodeGeneratorResponse response = await Protoc.GenerateTextAsync(parameter, Head);

        Assert.StartsWith(expected, DiagnosticsOf(response), StringComparison.Ordinal);
        Assert.Equal(expected.Length > 0, DiagnosticsOf(response).Length > 0);
        Assert.DoesNotContain("class", response.File[0].Content, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("greeter.proto")]
    [InlineData("everything.proto")]
    [InlineData("clashes.proto")]
    public async Task File_ThatIsRight_HasNoDiagnostics(string file) =>
        Assert.Empty(DiagnosticsOf(await Protoc.GenerateAsync($"services=Both,diagnostics={file}", file)));

    [Theory]
    [InlineData("services=Everything")]
    [InlineData("access=Private")]
    [InlineData("colour=red")]
    public async Task Option_ThatIsUnknown_FailsAndIsNamed(string parameter)
    {
        CodeGeneratorResponse response = await Protoc.GenerateTextAsync(parameter, Head);

        Assert.Contains($"'{parameter}'", response.Error, StringComparison.Ordinal);
        Assert.Empty(response.File);
    }

    private static string DiagnosticsOf(CodeGeneratorResponse response) =>
        response.File.Single(file => file.Name.EndsWith(".diagnostics", StringComparison.Ordinal)).Content;
}
