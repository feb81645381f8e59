using Kestrel.Rpc.Benchmarks.Load.Compare.Plot;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>A whole run: compile the peers, measure step by step, report.</summary>
internal static class Comparison
{
    /// <summary>Room for the widest table; a redirected output has no width of its own.</summary>
    private const int RedirectedWidth = 240;

    public static async Task<int> RunAsync(CompareSettings settings, string? jsonFile, string? svgFile)
    {
        using var signals = new StopSignals();
        IAnsiConsole console = AnsiConsole.Console;
        bool redirected = !console.Profile.Out.IsTerminal;
        if (redirected)
        {
            console.Profile.Width = RedirectedWidth;
        }

        var machine = Machine.Describe();
        using var programs = LimitPrograms.Compile(settings.Variants);
        var plan = new Plan(settings, programs.Has);
        var report = new Report(console, markdown: redirected);
        report.WriteHead(machine, programs.Missing);

        List<Sample> samples;
        try
        {
            samples = await new ProgressView(console).RunAsync(
                plan.Steps,
                step => new Measurement(settings, programs, step).RunAsync(signals.Token));
        }
        catch (LoadException e)
        {
            console.WriteLine($"failed: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            console.WriteLine("cancelled");
            return 130;
        }

        var outcome = new Outcome(plan, samples, settings.Peers);
        foreach (Scene scene in outcome.Scenes)
        {
            report.WriteScene(scene, outcome.LinesOf(scene), outcome.Peers);
        }

        foreach (Growth growth in outcome.Growths.Where(growth => growth.Connections.Count > 1))
        {
            report.WriteGrowth(growth, outcome.Peers);
        }

        if (jsonFile is not null)
        {
            JsonReport.Write(jsonFile, machine, programs.Missing, outcome);
        }

        if (svgFile is not null)
        {
            CpuPlot.Write(svgFile, machine, outcome.Growths);
        }

        return 0;
    }
}
