using Google.Protobuf.Compiler;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>What is generated, to the letter: every change of it shows in a reviewed file.</summary>
public sealed class GoldenTests
{
    private const string UpdateVariable = "KESTREL_RPC_UPDATE_GOLDEN";

    public static TheoryData<string> Files =>
    [
        "greeter.proto", "everything.proto", "types/type_users-v1.proto", "types/common.proto", "first.proto", "second.proto",
        "no_package.proto", "clashes.proto", "edition.proto",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Generator_OfFile_WritesTheReviewedCode(string file)
    {
        CodeGeneratorResponse response = await Protoc.GenerateAsync("", file);
        Assert.Empty(response.Error);
        Compare(Assert.Single(response.File));
    }

    [Theory]
    [InlineData("services=Server", "Kestrel.Rpc.Client")]
    [InlineData("services=Client,access=Internal", "Kestrel.Rpc.Middleware")]
    public async Task Generator_OfOneSide_NeedsNothingOfTheOther(string parameter, string other)
    {
        CodeGeneratorResponse response = await Protoc.GenerateAsync(parameter, "greeter.proto");
        CodeGeneratorResponse.Types.File file = Assert.Single(response.File);
        Assert.DoesNotContain(other, file.Content, StringComparison.Ordinal);
        file.Name = file.Name.Replace(".cs", parameter.Contains("Server", StringComparison.Ordinal) ? ".Server.cs" : ".Client.cs", StringComparison.Ordinal);
        Compare(file);
    }

    /// <summary>The build has made the same as the tests do: protoc, its plugin's process and the targets change nothing.</summary>
    [Fact]
    public async Task Build_OfThisProject_MadeTheSame()
    {
        CodeGeneratorResponse response = await Protoc.GenerateAsync("", "everything.proto", "types/type_users-v1.proto");
        string made = Path.Combine(Paths.Tests, "obj", Paths.Configuration, "net10.0");

        Assert.Equal(response.File[0].Content, await File.ReadAllTextAsync(Path.Combine(made, "EverythingRpc.cs")));
        Assert.Equal(response.File[1].Content, await File.ReadAllTextAsync(Path.Combine(made, "types/TypeUsersV1Rpc.cs")));
    }

    private static void Compare(CodeGeneratorResponse.Types.File file)
    {
        string path = Path.Combine(Paths.Tests, "Golden", file.Name + ".txt");
        if (Environment.GetEnvironmentVariable(UpdateVariable) == "1")
        {
            File.WriteAllText(path, file.Content);
            return;
        }

        string expected = File.Exists(path) ? File.ReadAllText(path) : "";
        if (file.Content != expected)
        {
            Assert.Fail($"What is generated changed. If that is meant, run the tests once with {UpdateVariable}=1 and commit Golden/{file.Name}.txt.\n"
                + string.Join('\n', expected.Split('\n').Except(file.Content.Split('\n')).Select(line => "- " + line)
                    .Concat(file.Content.Split('\n').Except(expected.Split('\n')).Select(line => "+ " + line))));
        }
    }
}
