using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>A whole run: compile the peers, measure step by step, report.</summary>
internal static class Comparison
{
    /// <summary>Room for the widest table; a redirected output has no width of its own.</summary>
    private const int RedirectedWidth = 240;

    public static async Task<int> RunAsync(CompareSettings settings, bool limits, string? jsonFile)
    {
        using var signals = new StopSignals();
        IAnsiConsole console = AnsiConsole.Console;
        bool redirected = !console.Profile.Out.IsTerminal;
        if (redirected)
        {
            console.Profile.Width = RedirectedWidth;
        }

        var machine = Machine.Describe();
        using LimitPrograms? programs = limits ? LimitPrograms.Compile() : null;
        var plan = new Plan(settings, programs?.Programs ?? []);
        var report = new Report(console);
        report.WriteHead(machine, programs?.Missing ?? []);

        List<Sample> samples;
        try
        {
            samples = await new ProgressView(console).RunAsync(
                plan.Steps,
                step => new Measurement(settings, step).RunAsync(signals.Token));
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

        (Scene Scene, Summary Summary)[] lines =
        [
            .. from scene in plan.Scenes
               let own = samples.Where(sample => sample.Step.Scene == scene).ToList()
               from variant in plan.VariantsOf(scene)
               select (scene, new Summary(own, variant)),
        ];
        foreach (IGrouping<Scene, (Scene Scene, Summary Summary)> table in lines.GroupBy(line => line.Scene))
        {
            report.WriteScene(table.Key, [.. table.Select(line => line.Summary)], redirected);
        }

        if (jsonFile is not null)
        {
            JsonReport.Write(jsonFile, machine, programs?.Missing ?? [], samples, lines);
        }

        return 0;
    }
}
