using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Testing;

namespace Kestrel.Rpc.Testing.Tests;

/// <summary>The lines that the README shows under "Testing", and that it shows these.</summary>
public sealed class ReadmeExampleTests
{
    [Fact]
    public Task Readme_Example_Passes() => ExampleAsync().Limited();

    [Fact]
    public void Readme_Testing_ShowsTheExample()
    {
        string section = Between(File.ReadAllText(Path.Combine(Root, "README.md")), "\n## Testing\n", "\n## ");
        string[] shown = Lines(Between(section, "```csharp\n", "```"));
        string[] run = Lines(Between(File.ReadAllText(Path.Combine(Root, "tests/Rpc.Testing.Tests/ReadmeExampleTests.cs")), "// What the README shows:\n", "// So far."));
        Assert.NotEmpty(shown);
        Assert.Equal(run, shown);
    }

    private static async Task ExampleAsync()
    {
        // What the README shows:
        await using var hello = new RpcWebApplicationFactory<Program>();
        using HttpClient http = hello.CreateClient();
        Assert.Equal("Hello over HTTP\n", await http.GetStringAsync("/"));
        await using RpcConnection rpc = await hello.ConnectRpcAsync();
        var reply = await rpc.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest { Msg = "world" });
        Assert.Equal("Hello world", reply.Msg);
        // So far.
    }

    private static string Root
    {
        get
        {
            DirectoryInfo folder = new(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Kestrel.Rpc.sln")))
            {
                folder = folder.Parent ?? throw new InvalidOperationException("No repository above the tests.");
            }

            return folder.FullName;
        }
    }

    private static string Between(string text, string start, string end)
    {
        int from = text.IndexOf(start, StringComparison.Ordinal) + start.Length;
        Assert.True(from >= start.Length, $"There is no '{start.Trim()}'.");
        int to = text.IndexOf(end, from, StringComparison.Ordinal);
        return text[from..(to < 0 ? text.Length : to)];
    }

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
