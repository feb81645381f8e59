using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Prints the tables: median (minimum..maximum) of every figure.</summary>
internal sealed class Report(IAnsiConsole console)
{
    /// <summary>Above this share of the window, other work on the server's core makes a sample doubtful.</summary>
    private const double Disturbance = 0.05;

    private const double Mebibyte = 1024 * 1024;

    public void WriteHead(Machine machine, IEnumerable<string> missing)
    {
        foreach (string line in machine.Lines().Concat(missing.Select(reason => $"without  {reason}")))
        {
            console.WriteLine(line);
        }

        console.WriteLine();
    }

    /// <summary>One table for each scene, as Markdown where nobody watches.</summary>
    public void WriteScene(Scene scene, IReadOnlyList<Summary> summaries, bool markdown)
    {
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Simple };
        table.AddColumn("server");
        foreach (string title in (string[])["CPU us/req", "x Sockets", "1000 req/s", "p50 us", "p99 us", "RSS MiB", "bytes/req", "busy %"])
        {
            table.AddColumn(new TableColumn(title).RightAligned().PadRight(1));
        }

        foreach (Summary line in summaries)
        {
            table.AddRow(
                line.Variant.Name,
                Text(line.Cpu, "F2", markdown),
                line.RatioToSockets is { } ratio ? Text(ratio, "F2", markdown) : "",
                Text(line.Rate, "F1", markdown, 1e-3),
                Text(line.P50, "F0", markdown),
                Text(line.P99, "F0", markdown),
                Text(line.Resident, "F1", markdown, 1 / Mebibyte),
                line.Allocated is { } allocated ? Text(allocated, "F1", markdown) : "",
                Text(line.Busy, "F0", markdown, 100));
        }

        console.WriteLine(scene.ToString());
        console.WriteLine();
        console.Write(table);
        foreach (Summary line in summaries.Where(line => line.Disturbed.Maximum > Disturbance))
        {
            console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"doubtful: other work took up to {line.Disturbed.Maximum * 100:F0} % of the server's core while {line.Variant.Name} was measured"));
        }

        console.WriteLine();
    }

    /// <summary>On a terminal the spread stands below the median, so that the table stays narrow.</summary>
    private static string Text(Spread spread, string format, bool oneLine, double scale = 1)
    {
        string Number(double value) => (value * scale).ToString(format, CultureInfo.InvariantCulture);
        string range = $"{Number(spread.Minimum)}..{Number(spread.Maximum)}";
        return oneLine ? $"{Number(spread.Median)} ({range})" : $"{Number(spread.Median)}\n{range}";
    }
}
