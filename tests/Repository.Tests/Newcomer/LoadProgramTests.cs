using System.Globalization;
using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>benchmarks/Load serves every workload on every transport, and its client, which checks every reply, finds none wrong.</summary>
public sealed partial class LoadProgramTests
{
    private static readonly string Program =
        Path.Combine(RepositoryFiles.Root, "benchmarks/Load/bin", RepositoryFiles.Configuration, "net10.0/Load.dll");

    public static MatrixTheoryData<string, string, string> Servers => new(
        ["echo", "http", "rpc", "upload", "download", "connect", "idle", "pingpong", "pingpong-spin"], ["sockets", "epoll", "io_uring"], ["pool", "inline"]);

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Serve_UnderLoad_AnswersRightAndEndsOnSigterm(string workload, string transport, string scheduling)
    {
        await using RunningProcess server = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "serve",
            "--workload", workload, "--transport", transport, "--scheduling", scheduling, "--port", "0");
        await server.WaitForOutputAsync("ready");
        string port = PortLine().Match(server.Output).Groups["port"].Value;
        await AskOnceAsync(workload, int.Parse(port, CultureInfo.InvariantCulture));

        await using RunningProcess client = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "load",
            "--workload", workload, "--port", port, "--connections", "8", "--in-flight", "4", "--warmup", "0.1", "--seconds", "0.2");
        // How much it got done is the machine's affair; that no reply was wrong is what counts.
        Assert.True(await client.WaitForExitAsync() == 0, client.Output);
        Assert.Matches(ResultLine(), client.Output);

        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Theory]
    [InlineData("epoll")]
    [InlineData("io_uring")]
    public async Task Dial_OverATransport_TellsItsOwnCpu(string transport)
    {
        await using RunningProcess server = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "serve",
            "--workload", "dial", "--transport", transport, "--scheduling", "inline", "--port", "0");
        await server.WaitForOutputAsync("ready");
        await using RunningProcess client = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "load",
            "--workload", "dial", "--over", transport, "--port", PortLine().Match(server.Output).Groups["port"].Value,
            "--connections", "4", "--warmup", "0.1", "--seconds", "1");

        Assert.True(await client.WaitForExitAsync() == 0, client.Output);
        Assert.Matches(ResultLine(), client.Output);
        Assert.Matches(@"(?m)^client: \d+\.\d\d us of CPU", client.Output);

        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Theory]
    [InlineData("serve", "--workload", "tea")]
    [InlineData("load", "--port", "1", "--workload", "echo", "--over", "sockets")]
    [InlineData("load", "--port", "1", "--workload", "dial")]
    [InlineData("load", "--port", "1", "--over", "epoll", "--workload", "echo")]
    [InlineData("load", "--workload", "echo", "--port", "none")]
    [InlineData("compare", "--rounds", "0")]
    public async Task Load_BadArgument_SaysWhatIsWrongAndFails(params string[] arguments)
    {
        await using RunningProcess program = RunningProcess.Start("dotnet", RepositoryFiles.Root, [Program, .. arguments]);

        Assert.NotEqual(0, await program.WaitForExitAsync());
        Assert.Contains(arguments[^1], program.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", program.Output, StringComparison.Ordinal);
    }

    private static async Task AskOnceAsync(string workload, int port)
    {
        switch (workload)
        {
            case "rpc":
                Assert.Equal(GoldenCall.Reply, await GoldenCall.ExchangeAsync(port, GoldenCall.Request));
                break;
            case "echo":
            case "connect":
            case "idle":
            case "pingpong":
            case "pingpong-spin":
                Assert.Equal(GoldenCall.Request, await GoldenCall.ExchangeAsync(port, GoldenCall.Request));
                break;
            case "upload":
                using (HttpClient http = new() { Timeout = RunningProcess.Limit })
                using (HttpResponseMessage answer = await http.PostAsync(new Uri($"http://127.0.0.1:{port}/upload"), new ByteArrayContent(new byte[4321])))
                {
                    Assert.Equal("4321", await answer.Content.ReadAsStringAsync());
                }

                break;
            case "download":
                using (HttpClient http = new() { Timeout = RunningProcess.Limit })
                {
                    Assert.Equal(1024 * 1024, (await http.GetByteArrayAsync(new Uri($"http://127.0.0.1:{port}/download"))).Length);
                }

                break;
            default:
                using (HttpClient http = new() { Timeout = RunningProcess.Limit })
                {
                    Assert.Equal(13, (await http.GetByteArrayAsync(new Uri($"http://127.0.0.1:{port}/any/path"))).Length);
                }

                break;
        }
    }

    [GeneratedRegex(@"^port (?<port>\d+)$", RegexOptions.Multiline)]
    private static partial Regex PortLine();

    [GeneratedRegex(@"^\d+ requests, ", RegexOptions.Multiline)]
    private static partial Regex ResultLine();
}
