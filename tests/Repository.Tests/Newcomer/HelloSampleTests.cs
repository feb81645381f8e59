using System.Globalization;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/Hello as a newcomer meets it: a built program, its port, its output, its end.</summary>
public sealed class HelloSampleTests
{
    private static readonly string Program =
        Path.Combine(RepositoryFiles.Root, "samples/Hello/bin", RepositoryFiles.Configuration, "net10.0/Hello.dll");

    public static TheoryData<string> Transports => ["io_uring", "epoll", "sockets"];

    [Theory]
    [MemberData(nameof(Transports))]
    public async Task Hello_OnEveryTransport_AnswersGoldenRequestAndHttpOnOnePort(string transport)
    {
        int port = GoldenCall.FreePort();
        await using RunningProcess hello = await StartServerAsync(port, "--transport", transport);

        Assert.Equal(Convert.ToHexString(GoldenCall.Reply), Convert.ToHexString(await GoldenCall.ExchangeAsync(port, GoldenCall.Request)));

        using HttpClient http = new() { Timeout = RunningProcess.Limit };
        using HttpResponseMessage reply = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/")).WaitAsync(RunningProcess.Limit);
        Assert.True(reply.IsSuccessStatusCode);
        Assert.NotEmpty(await reply.Content.ReadAsStringAsync().WaitAsync(RunningProcess.Limit));

        hello.Terminate();
        Assert.Equal(0, await hello.WaitForExitAsync());
    }

    [Fact]
    public async Task Hello_AtStart_PrintsTheTwoCommandsToTry()
    {
        int port = GoldenCall.FreePort();
        await using RunningProcess hello = await StartServerAsync(port);

        await hello.WaitForOutputAsync($"curl http://127.0.0.1:{port}/");
        await hello.WaitForOutputAsync("call world");
    }

    [Fact]
    public async Task Hello_CallWorld_PrintsReplyAndTime()
    {
        int port = GoldenCall.FreePort();
        await using RunningProcess hello = await StartServerAsync(port);
        await using RunningProcess call = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "call", "world", "--port", Text(port));

        Assert.Equal(0, await call.WaitForExitAsync());
        Assert.Contains("Hello world", call.Output, StringComparison.Ordinal);
        Assert.Matches(@"\d ?(ms|us|µs)", call.Output);
    }

    /// <summary>The README's literal command, but for the build, which these tests must not repeat while they run.</summary>
    [Fact]
    public async Task Hello_DotnetRun_ServesAndEndsOnSigterm()
    {
        int port = GoldenCall.FreePort();
        await using RunningProcess hello = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, "run", "--no-build", "-c", RepositoryFiles.Configuration, "--project", "samples/Hello", "--",
            "--port", Text(port));
        await hello.WaitForOutputAsync($"127.0.0.1:{port}");

        Assert.Equal(GoldenCall.Reply, await GoldenCall.ExchangeAsync(port, GoldenCall.Request));

        hello.Terminate();
        Assert.Equal(0, await hello.WaitForExitAsync());
    }

    [Theory]
    [InlineData("--transport", "pigeon")]
    [InlineData("--port", "many")]
    [InlineData("--port", "70000")]
    [InlineData("--no-such-option", "1")]
    public async Task Hello_BadArgument_SaysWhatIsWrongAndFails(string option, string value)
    {
        await using RunningProcess hello = RunningProcess.Start("dotnet", RepositoryFiles.Root, Program, option, value);

        Assert.NotEqual(0, await hello.WaitForExitAsync());
        Assert.Contains(option == "--no-such-option" ? option : value, hello.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", hello.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hello_CallWithoutServer_SaysSoAndFails()
    {
        await using RunningProcess call = RunningProcess.Start(
            "dotnet", RepositoryFiles.Root, Program, "call", "world", "--port", Text(GoldenCall.FreePort()));

        Assert.NotEqual(0, await call.WaitForExitAsync());
        Assert.Contains("127.0.0.1", call.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", call.Output, StringComparison.Ordinal);
    }

    private static async Task<RunningProcess> StartServerAsync(int port, params string[] options)
    {
        RunningProcess hello = RunningProcess.Start("dotnet", RepositoryFiles.Root, [Program, "--port", Text(port), .. options]);
        await hello.WaitForOutputAsync($"127.0.0.1:{port}");
        return hello;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
