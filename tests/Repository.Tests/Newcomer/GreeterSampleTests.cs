using System.Globalization;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>samples/Greeter: a service from a .proto and its client, each in a process of its own.</summary>
public sealed class GreeterSampleTests
{
    private static readonly string Sample =
        Path.Combine(RepositoryFiles.Root, "samples/Greeter/bin", RepositoryFiles.Configuration, "net10.0/Greeter.dll");

    [Fact]
    public async Task Greeter_Called_AnswersInEveryShape()
    {
        string port = GoldenCall.FreePort().ToString(CultureInfo.InvariantCulture);
        await using RunningProcess server = RunningProcess.Start("dotnet", RepositoryFiles.Root, Sample, port);
        await server.WaitForOutputAsync($"greeter on 127.0.0.1:{port}");
        await using RunningProcess visitor = RunningProcess.Start("dotnet", RepositoryFiles.Root, Sample, "call", port);

        Assert.True(await visitor.WaitForExitAsync() == 0, visitor.Output);
        Assert.Equal(
            ["Hello world", "Hello again, 1", "Hello again, 2", "Hello Ada and Grace", "Hello Alan", "Hello Edsger"],
            visitor.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await server.WaitForOutputAsync("The visitor has left");

        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
    }

    [Fact]
    public async Task Greeter_GoldenRequest_GetsTheGoldenReply()
    {
        int port = GoldenCall.FreePort();
        await using RunningProcess server = RunningProcess.Start("dotnet", RepositoryFiles.Root, Sample, port.ToString(CultureInfo.InvariantCulture));
        await server.WaitForOutputAsync($"greeter on 127.0.0.1:{port}");

        Assert.Equal(Convert.ToHexString(GoldenCall.Reply), Convert.ToHexString(await GoldenCall.ExchangeAsync(port, GoldenCall.Request)));

        server.Terminate();
        Assert.Equal(0, await server.WaitForExitAsync());
    }
}
