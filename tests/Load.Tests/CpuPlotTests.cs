using System.Globalization;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Compare.Plot;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

public sealed class CpuPlotTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private static readonly int[] Counts = [8, 64, 512];

    /// <summary>Ping-pong, where alone servers poll, is not drawn.</summary>
    private static readonly Variant[] Drawn = [.. Variants.ByName.Values.Where(variant => !variant.Polls)];

    [Fact]
    public void Draw_Growths_HaveAPanelEachAndALineForEachServer()
    {
        XDocument plot = CpuPlot.Draw(Machine.Describe(), [Growth(Workload.Echo), Growth(Workload.Http)]);

        XElement[] panels = [.. Groups(plot.Root!, "panel")];
        Assert.Equal(2, panels.Length);
        Assert.Equal(Drawn.Length, Groups(plot.Root!, "legend").Count());
        Assert.All(panels, panel => Assert.All(
            Groups(panel, "server").Zip(Drawn),
            pair =>
            {
                Assert.Equal(pair.Second.Name, pair.First.Element(Svg + "title")!.Value);
                Assert.Equal(Counts.Length, Points(pair.First).Length);
            }));
    }

    [Fact]
    public void Draw_ConnectionsAndMicroseconds_AreOnLogarithmicAxes()
    {
        XDocument plot = CpuPlot.Draw(Machine.Describe(), [Growth(Workload.Echo)]);

        XElement panel = Assert.Single(Groups(plot.Root!, "panel"));
        (double X, double Y)[] points = Points(Groups(panel, "server").First());
        Assert.Equal(points[1].X - points[0].X, points[2].X - points[1].X, 0.2);
        Assert.Equal(points[1].Y - points[0].Y, points[2].Y - points[1].Y, 0.2);
        Assert.True(points[2].Y < points[0].Y, "more CPU is higher");
        Assert.Contains("connections (log scale)", panel.Value, StringComparison.Ordinal);
        Assert.Contains("CPU us/req (log scale)", panel.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Draw_EveryPoint_LiesWithinThePicture()
    {
        XElement root = CpuPlot.Draw(Machine.Describe(), [Growth(Workload.Echo), Growth(Workload.Rpc)]).Root!;
        double[] box = [.. root.Attribute("viewBox")!.Value.Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture))];

        Assert.All(root.Descendants(Svg + "polyline").SelectMany(line => Parse(line.Attribute("points")!.Value)), point =>
        {
            Assert.InRange(point.X, 0, box[2]);
            Assert.InRange(point.Y, 0, box[3]);
        });
    }

    [Fact]
    public void Draw_OneNumberOfConnections_IsAPointInTheMiddle()
    {
        var growth = new Growth([SampleFactory.Create(new Scene(Workload.Connect, 64, 1), Variants.EpollPool, 1, 40)], [Variants.EpollPool]);

        XElement panel = Assert.Single(Groups(CpuPlot.Draw(Machine.Describe(), [growth]).Root!, "panel"));

        (double x, double y) = Assert.Single(Points(Assert.Single(Groups(panel, "server"))));
        Assert.True(double.IsFinite(x) && double.IsFinite(y));
    }

    [Fact]
    public void ColourOf_EveryServer_IsItsOwn()
    {
        string[] colours = [.. Drawn.Select(LineStyle.ColourOf)];

        Assert.Equal(colours.Length, colours.Distinct().Count());
    }

    [Fact]
    public void Draw_LineAndMarkOfEveryServer_DifferWithoutColour()
    {
        XElement plot = CpuPlot.Draw(Machine.Describe(), [Growth(Workload.Echo)]).Root!;

        (string?, string?, bool)[] looks =
        [
            .. from entry in Groups(plot, "legend")
               let mark = entry.Element(Svg + "path")!
               select (entry.Element(Svg + "polyline")!.Attribute("stroke-dasharray")?.Value, mark.Attribute("d")?.Value, mark.Attribute("fill")!.Value == "none"),
        ];

        Assert.Equal(Drawn.Length, looks.Distinct().Count());
    }

    [Fact]
    public void ColourOf_EveryServer_IsReadableOnWhiteAndOnBlack() => Assert.All(Drawn, variant =>
    {
        double luminance = Luminance(LineStyle.ColourOf(variant));

        // WCAG's contrast; 3 is its bound for graphics. Dark pages are seldom quite black.
        Assert.True(1.05 / (luminance + 0.05) >= 2.9, $"{variant.Name} on white");
        Assert.True((luminance + 0.05) / (Luminance("#161b22") + 0.05) >= 3, $"{variant.Name} on a dark page");
    });

    /// <summary>Every server, with 1 us for the fewest connections, then 2 and 4.</summary>
    private static Growth Growth(Workload workload) => new(
        [
            .. from place in Enumerable.Range(0, Counts.Length)
               from variant in Drawn
               from round in (int[])[1, 2]
               select SampleFactory.Create(new Scene(workload, Counts[place], 1), variant, round, 1 << place),
        ],
        Drawn);

    private static IEnumerable<XElement> Groups(XElement root, string kind) =>
        root.Descendants(Svg + "g").Where(element => element.Attribute("class")?.Value == kind);

    private static (double X, double Y)[] Points(XElement server) => Parse(server.Element(Svg + "polyline")!.Attribute("points")!.Value);

    private static (double X, double Y)[] Parse(string points) =>
    [
        .. points.Split(' ').Select(point => point.Split(',').Select(text => double.Parse(text, CultureInfo.InvariantCulture)).ToArray())
            .Select(pair => (pair[0], pair[1])),
    ];

    private static double Luminance(string colour)
    {
        double[] parts =
        [
            .. Enumerable.Range(0, 3).Select(i => int.Parse(colour.AsSpan(1 + (i * 2), 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0)
                .Select(part => part <= 0.04045 ? part / 12.92 : Math.Pow((part + 0.055) / 1.055, 2.4)),
        ];
        return (0.2126 * parts[0]) + (0.7152 * parts[1]) + (0.0722 * parts[2]);
    }
}
