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
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Rounded };
        table.AddColumn("server");
        foreach (string title in (string[])["CPU us/request", "x Sockets", "requests/s", "p50 us", "p99 us", "RSS MiB", "bytes allocated/request", "server busy %"])
        {
            table.AddColumn(new TableColumn(title).RightAligned());
        }

        foreach (Summary line in summaries)
        {
            table.AddRow(
                line.Variant.Name,
                Text(line.Cpu, "F2"),
                line.RatioToSockets is { } ratio ? Text(ratio, "F2") : "",
                Text(line.Rate, "F0"),
                Text(line.P50, "F0"),
                Text(line.P99, "F0"),
                Text(line.Resident, "F1", 1 / Mebibyte),
                line.Allocated is { } allocated ? Text(allocated, "F1") : "",
                Text(line.Busy, "F0", 100));
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

    private static string Text(Spread spread, string format, double scale = 1)
    {
        string Number(double value) => (value * scale).ToString(format, CultureInfo.InvariantCulture);
        return $"{Number(spread.Median)} ({Number(spread.Minimum)}..{Number(spread.Maximum)})";
    }
}
