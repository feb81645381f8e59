using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.Versioning;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>The C programs: compiled, and put under the load client.</summary>
[SupportedOSPlatform("linux")]
public sealed class LimitProgramsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly int Core = BitOperations.TrailingZeroCount(Process.GetCurrentProcess().ProcessorAffinity);

    public static TheoryData<string, string> Servers => new(
        from variant in Variants.ByName.Values
        where variant.Limit is not null
        from workload in Names.Workloads
        where variant.Serves(workload.Value) && workload.Value != Workload.Idle
        select (variant.Name, workload.Key));

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task CProgram_UnderLoad_AnswersRight(string name, string workload)
    {
        Variant variant = Variants.ByName[name];
        using var programs = LimitPrograms.Compile([variant]);
        SkipUnlessCompiled(programs, variant);
        using var server = ChildProcess.Start(name, Core, programs.PathOf(variant.Limit!), ["0", workload, .. variant.Arguments]);
        string line = await server.ReadLineAsync(Limit, TestContext.Current.CancellationToken);
        Assert.Equal("ready", await server.ReadLineAsync(Limit, TestContext.Current.CancellationToken));
        var settings = new LoadSettings(
            Names.Workloads[workload],
            int.Parse(line[5..], CultureInfo.InvariantCulture),
            Connections: 3,
            InFlight: 1,
            Warmup: TimeSpan.FromMilliseconds(50),
            Window: TimeSpan.FromMilliseconds(100),
            server.Id,
            Core);

        // A wrong reply, or none, throws or goes on for ever.
        await Task.Run(() => LoadOnce.Run(settings, Limit), TestContext.Current.CancellationToken)
            .WaitAsync(Limit * 2, TestContext.Current.CancellationToken);
        await server.TerminateAsync(Limit, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Compile_ProgramThatDoesNotCompile_IsMissingWithTheReason()
    {
        var variant = new Variant("c-none") { Limit = new LimitSource("epoll_server.c", "no-such-library", "libnone-dev") };
        using var programs = LimitPrograms.Compile([variant, Variants.SocketsPool]);

        string reason = Assert.Single(programs.Missing);
        Assert.StartsWith("c-none: ", reason, StringComparison.Ordinal);
        Assert.False(programs.Has(variant));
        Assert.True(programs.Has(Variants.SocketsPool));
    }

    private static void SkipUnlessCompiled(LimitPrograms programs, Variant variant)
    {
        if (!programs.Has(variant) && Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip(programs.Missing[0]);
        }

        Assert.True(programs.Has(variant), programs.Missing.FirstOrDefault());
    }
}
