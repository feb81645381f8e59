using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Spectre.Console;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>Prints the tables: median (minimum..maximum) of every figure, then its ratios to the peers.</summary>
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
        foreach (Figure figure in figures.Where(figure => figure.Compared))
        {
            Variant[] others = [.. peers.Where(peer => summaries.Any(line => line.Variant == peer))];
            if (others.Length > 0 && summaries.Count > 1)
            {
                Write(
                    $"{figure.Title} as a multiple of",
                    others.Select(peer => peer.Name),
                    summaries,
                    line => others.Select(peer => Text(line.Ratio(figure, peer), "F2", 1)));
            }
        }

        foreach (Summary line in summaries.Where(line => line.Disturbed.Maximum > Disturbance))
        {
            console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"doubtful: other work took up to {line.Disturbed.Maximum * 100:F0} % of the server's core while {line.Variant.Name} was measured"));
        }

        console.WriteLine();
    }

    private void Write(string corner, IEnumerable<string> titles, IReadOnlyList<Summary> lines, Func<Summary, IEnumerable<string>> cells)
    {
        var table = new Table { Border = markdown ? TableBorder.Markdown : TableBorder.Simple };
        table.AddColumn(corner);
        foreach (string title in titles)
        {
            table.AddColumn(new TableColumn(title).RightAligned().PadRight(1));
        }

        foreach (Summary line in lines)
        {
            table.AddRow([line.Variant.Name, .. cells(line)]);
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

        string Number(double value) => (value * scale).ToString(format, CultureInfo.InvariantCulture);
        string range = $"{Number(spread.Minimum)}..{Number(spread.Maximum)}";
        return markdown ? $"{Number(spread.Median)} ({range})" : $"{Number(spread.Median)}\n{range}";
    }
}
