using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>YAML as a source of configuration.</summary>
public sealed class YamlTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("yaml").FullName;

    [Fact]
    public void File_MappingsSequencesScalars_BecomeKeys()
    {
        IConfigurationRoot read = Read("""
            server:
              service:
                - name: a
                  port: 0x10
                - &b { name: "b", ip: '::1' }
                - *b
              none: ~
              empty:
              word: "~"
              list: []
            Text: |
              two
              lines
            """);

        Assert.Equal("a", read["Server:Service:0:Name"]);
        Assert.Equal("0x10", read["server:service:0:port"]);
        Assert.Equal("::1", read["server:service:1:ip"]);
        Assert.Equal("b", read["server:service:2:name"]);
        Assert.Null(read["server:none"]);
        Assert.Null(read["server:empty"]);
        Assert.Equal("~", read["server:word"]);
        Assert.Empty(read.GetSection("server:list").GetChildren());
        Assert.Equal("two\nlines", read["text"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing")]
    [InlineData("---\n...")]
    public void File_IsEmpty_HasNoKeys(string text) => Assert.Empty(Read(text).AsEnumerable());

    [Theory]
    [InlineData("a: [1, 2", "Not YAML at line")]
    [InlineData("a: 1\na: 2", "Not YAML at line 2, column 1")]
    [InlineData("a: 1\nA: 2", "The key 'A' stands here twice, upper and lower case being the same: line 2, column 4.")]
    [InlineData("a: 1\n---\nb: 2", "2 documents")]
    [InlineData("[1]: 2", "A key must be a scalar: line 1, column 1.")]
    [InlineData("just words", "The file must be a mapping: line 1, column 1.")]
    [InlineData("a: *b", "Not YAML at line 1")]
    public void File_IsNoConfiguration_FailsWithThePlace(string text, string expected)
    {
        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));

        Assert.Contains(expected, Assert.IsType<FormatException>(error.InnerException).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_AliasesMultiply_EndsAtTheBound()
    {
        string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + string.Concat(Enumerable.Range(1, 20).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));

        Assert.Contains("More than 10000 values", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]"), InlineData("{}")]
    public void File_AliasesMultiplyNothing_EndsAtTheBound(string nothing)
    {
        string text = $"a0: &a0 {nothing}\n"
            + string.Concat(Enumerable.Range(1, 20).Select(i => $"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));

        Assert.Contains("More than 100000 mappings, sequences and values", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: &a [*a, *a]")]
    [InlineData("a: &a {b: *a, c: *a}")]
    public void File_AliasOfWhatItIsIn_Fails(string text) => Assert.Throws<InvalidDataException>(() => Read(text));

    [Theory]
    [InlineData("[", "]"), InlineData("{a: ", "}"), InlineData("- ", "")]
    public void File_IsNestedWithoutEnd_FailsAndTheProcessLives(string begin, string end)
    {
        const int Levels = 100_000;
        string text = "a: " + (end.Length == 0 ? "\n" : "") + string.Concat(Enumerable.Repeat(begin, Levels)) + string.Concat(Enumerable.Repeat(end, Levels));

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));

        Assert.Contains("More than 32 levels", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_IsNestedTooDeep_Fails()
    {
        string text = string.Concat(Enumerable.Range(0, 40).Select(i => $"{new string(' ', i)}a:\n")) + new string(' ', 40) + "b: 1";

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => Read(text));

        Assert.Contains("More than 32 levels", error.InnerException!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_IsMissing_FailsUnlessOptional()
    {
        Assert.Throws<FileNotFoundException>(() => new ConfigurationBuilder().SetBasePath(_folder).AddRpcYamlFile("no.yaml").Build());
        Assert.Empty(new ConfigurationBuilder().SetBasePath(_folder).AddRpcYamlFile("no.yaml", optional: true).Build().AsEnumerable());
    }

    [Fact]
    public async Task File_ChangesAndIsWatched_IsLoadedAgain()
    {
        string path = Path.Combine(_folder, "watched.yaml");
        await File.WriteAllTextAsync(path, "a: 1", TestContext.Current.CancellationToken);
        using ConfigurationRoot root = (ConfigurationRoot)new ConfigurationBuilder().AddRpcYamlFile(path, reloadOnChange: true).Build();
        TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using IDisposable watch = Microsoft.Extensions.Primitives.ChangeToken.OnChange(root.GetReloadToken, () =>
        {
            if (root["a"] == "2")
            {
                changed.TrySetResult();
            }
        });

        await File.WriteAllTextAsync(path, "a: 2", TestContext.Current.CancellationToken);

        await changed.Task.InTime();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private IConfigurationRoot Read(string text)
    {
        File.WriteAllText(Path.Combine(_folder, "x.yaml"), text);
        return new ConfigurationBuilder().SetBasePath(_folder).AddRpcYamlFile("x.yaml").Build();
    }
}
