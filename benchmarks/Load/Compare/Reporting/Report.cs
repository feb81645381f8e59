using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;

/// <summary>Prints the tables: median (minimum..maximum) of every figure, the median alone where all rounds agree, then its ratios to the peers.</summary>
/// <param name="console">Where they go.</param>
/// <param name="markdown">As Markdown, one line a server; else, for a terminal, the spread stands below the median so that the table stays narrow.</param>
internal sealed class Report(IAnsiConsole console, bool markdown)
{
    /// <summary>Above this share of the window, other work on the server's core makes a sample doubtful.</summary>
    private const double Disturbance = 0.05;

    public void WriteHead(Machine machine, IEnumerable<string> missing)
    {
        foreach (string line in machine.Lines().Concat(missing.Select(reason => $"without  {reason}")))
        {
            console.WriteLine(line);
        }

        console.WriteLine();
    }

    public void WriteScene(Scene scene, IReadOnlyList<Summary> summaries, IReadOnlyList<Variant> peers)
    {
        IReadOnlyList<Figure> figures = Figures.Of(scene.Workload);
        console.WriteLine(scene.ToString());
        console.WriteLine();
        Write("server", figures.Select(figure => figure.Title), summaries, line => figures.Select(figure => Text(line.Of(figure), figure)));
        Variant[] others = [.. peers.Where(peer => summaries.Any(line => line.Variant == peer))];
        if (others.Length > 0 && summaries.Count > 1)
        {
            string[] names = [.. others.Select(peer => peer.Name)];
            foreach (Figure figure in figures.Where(figure => figure.Compared))
            {
                Write($"{figure.Title} as a multiple of", names, summaries, line => others.Select(peer => Text(line.Ratio(figure, peer), "F2", 1)));
            }

            // C programs have no managed heap: with them alone there is nothing to subtract.
            foreach (Figure figure in figures.Where(figure => figure.Subtracted && summaries.Any(line => others.Any(peer => line.Difference(figure, peer) is not null))))
            {
                Write($"{figure.Title} beyond", names, summaries, line => others.Select(peer => Text(line.Difference(figure, peer), figure)));
            }
        }

        // Memory is what it is, whatever else ran.
        foreach (Summary line in summaries.Where(line => line.Disturbed.Maximum > Disturbance && scene.Workload != Workload.Idle))
        {
            console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"doubtful: other work took up to {line.Disturbed.Maximum * 100:F0} % of the server's core while {line.Variant.Name} was measured"));
        }

        console.WriteLine();
    }

    /// <summary>CPU for each number of connections, how it grows from the fewest to the most, and that growth set against the peers'.</summary>
    public void WriteGrowth(Growth growth, IReadOnlyList<Variant> peers)
    {
        Variant[] others = [.. peers.Where(growth.Variants.Contains)];
        string workload = growth.InFlight > 1 ? $"{growth.Workload}, {growth.InFlight} calls in flight" : growth.Workload;
        console.WriteLine($"{workload}: CPU us/{growth.Unit} with {string.Join(", ", growth.Connections)} connections");
        console.WriteLine();
        Write(
            "server",
            [.. growth.Connections.Select(count => count.ToString(CultureInfo.InvariantCulture)), "growth", .. others.Select(peer => $"of that of {peer.Name}")],
            growth.Variants,
            variant => variant.Name,
            variant =>
            [
                .. growth.Connections.Select(count => Text(growth.At(variant, count), "F2", 1)),
                Text(growth.Of(variant), "F2", 1),
                .. others.Select(peer => Text(growth.Ratio(variant, peer), "F2", 1)),
            ]);
    }

    private void Write(string corner, IEnumerable<string> titles, IReadOnlyList<Summary> lines, Func<Summary, IEnumerable<string>> cells) =>
        Write(corner, titles, lines, line => line.Variant.Name, cells);

    private void Write<T>(string corner, IEnumerable<string> titles, IReadOnlyList<T> lines, Func<T, string> name, Func<T, IEnumerable<string>> cells)
    {
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Simple };
        table.AddColumn(corner);
        foreach (string title in titles)
        {
            table.AddColumn(new TableColumn(title).RightAligned().PadRight(1));
        }

        foreach (T line in lines)
        {
            table.AddRow([name(line), .. cells(line)]);
        }

        console.Write(table);
        console.WriteLine();
    }

    private string Text(Spread? spread, Figure figure) => Text(spread, figure.Format, figure.Scale);

    private string Text(Spread? figure, string format, double scale)
    {
        if (figure is not { } spread)
        {
            return "";
        }

        // Rounded first, and 0 added: else there is a -0.0.
        int digits = int.Parse(format.AsSpan(1), CultureInfo.InvariantCulture);
        string Number(double value) => (Math.Round(value * scale, digits) + 0.0).ToString(format, CultureInfo.InvariantCulture);
        if (Number(spread.Minimum) == Number(spread.Maximum))
        {
            return Number(spread.Median);
        }

        string range = $"{Number(spread.Minimum)}..{Number(spread.Maximum)}";
        return markdown ? $"{Number(spread.Median)} ({range})" : $"{Number(spread.Median)}\n{range}";
    }
}
