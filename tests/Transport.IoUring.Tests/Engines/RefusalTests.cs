using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Machines that refuse io_uring, played for real in a process of its own.</summary>
public sealed class RefusalTests
{
    [Fact]
    public Task Start_WhereSeccompForbidsIoUring_ServesWithEpollAndSaysWhy() =>
        ChildProcess.RunCheckAsync(RefusalChecks.ForbiddenBySeccompAsync, new TransportVariant(TransportKind.IoUring, 2, ApplicationScheduling.ThreadPool));
}

/// <summary>The children's side.</summary>
internal static class RefusalChecks
{
    public static async Task ForbiddenBySeccompAsync(TransportVariant variant)
    {
        Seccomp.ForbidIoUring();
        var options = new IoUringTransportOptions { LoopCount = variant.Loops, ApplicationScheduling = variant.Scheduling };

        await using TestTransport transport = await new TestTransport(options).StartAsync();
        await transport.EchoAsync(100_000);

        (LogLevel Level, int Id, string Text) warning = Assert.Single(transport.Log, entry => entry.Level >= LogLevel.Warning);
        Assert.Equal(101, warning.Id);
        Assert.Contains("forbidden", warning.Text, StringComparison.Ordinal);
        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("epoll", StringComparison.Ordinal));
    }
}
