using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Machines that refuse io_uring, played for real in a process of its own.</summary>
public sealed class RefusalTests
{
    private static readonly TransportVariant Variant = new(TransportKind.IoUring, 2, ApplicationScheduling.ThreadPool);

    [Fact]
    public Task Start_WhereSeccompForbidsIoUring_ServesWithEpollAndSaysWhy() =>
        ChildProcess.RunCheckAsync(RefusalChecks.AllForbiddenAsync, Variant);

    [Fact]
    public Task Start_WhereSeccompForbidsEntering_ServesWithEpollAndSaysWhy() =>
        ChildProcess.RunCheckAsync(RefusalChecks.EnterForbiddenAsync, Variant);

    [Fact]
    public Task Start_WhereSeccompForbidsRegistering_ServesWithEpollAndSaysWhy() =>
        ChildProcess.RunCheckAsync(RefusalChecks.RegisterForbiddenAsync, Variant);
}

/// <summary>The children's side.</summary>
internal static class RefusalChecks
{
    public static Task AllForbiddenAsync(TransportVariant variant) => FallsBackAsync(variant, 425, 427);

    public static Task EnterForbiddenAsync(TransportVariant variant) => FallsBackAsync(variant, 426, 426);

    public static Task RegisterForbiddenAsync(TransportVariant variant) => FallsBackAsync(variant, 427, 427);

    private static async Task FallsBackAsync(TransportVariant variant, uint first, uint last)
    {
        Seccomp.ForbidIoUring(first, last);
        var options = new IoUringTransportOptions { LoopCount = variant.Loops, ApplicationScheduling = variant.Scheduling };

        await using TestTransport transport = await new TestTransport(options).StartAsync();
        await transport.EchoAsync(100_000);

        (LogLevel Level, int Id, string Text) warning = Assert.Single(transport.Log, entry => entry.Level >= LogLevel.Warning);
        Assert.Equal(101, warning.Id);
        Assert.Contains("forbidden", warning.Text, StringComparison.Ordinal);
        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("epoll", StringComparison.Ordinal));
    }
}
