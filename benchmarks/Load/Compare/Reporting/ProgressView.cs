using System.Globalization;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>Shows how far a run is: a bar on a terminal, one line for each measurement where the output is redirected.</summary>
internal sealed class ProgressView(IAnsiConsole console)
{
    private bool Plain => !console.Profile.Out.IsTerminal;

    /// <summary>Runs every step in its order.</summary>
    public async Task<List<Sample>> RunAsync(IReadOnlyList<PlanStep> steps, Func<PlanStep, Task<Sample>> measure)
    {
        if (Plain)
        {
            return await RunPlainAsync(steps, measure);
        }

        return await console.Progress()
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn())
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask("starting", maxValue: steps.Count);
                var samples = new List<Sample>(steps.Count);
                foreach (PlanStep step in steps)
                {
                    bar.Description = $"{step.Scene}, round {step.Round}: {step.Variant.Name}";
                    samples.Add(await measure(step));
                    bar.Increment(1);
                }

                return samples;
            });
    }

    private async Task<List<Sample>> RunPlainAsync(IReadOnlyList<PlanStep> steps, Func<PlanStep, Task<Sample>> measure)
    {
        var samples = new List<Sample>(steps.Count);
        foreach (PlanStep step in steps)
        {
            Sample sample = await measure(step);
            samples.Add(sample);
            console.WriteLine($"{samples.Count}/{steps.Count} {step.Scene}, round {step.Round}: {step.Variant.Name} {Describe(sample)}");
        }

        console.WriteLine();
        return samples;
    }

    /// <summary>The two most telling figures.</summary>
    private static string Describe(Sample sample) => string.Join(
        ", ",
        from figure in Figures.Of(sample.Step.Scene.Workload).Take(2)
        let value = figure.Of(sample) * figure.Scale
        where value is not null
        select $"{value.Value.ToString(figure.Format, CultureInfo.InvariantCulture)} {figure.Title}");
}
