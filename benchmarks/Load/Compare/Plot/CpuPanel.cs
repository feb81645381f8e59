using System.Globalization;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Plot;

/// <summary>One workload of the plot. Both axes are logarithmic: equal distances are equal ratios, also where one connection costs ten times as much.</summary>
internal sealed class CpuPanel
{
    public const int Width = 640;
    public const int Height = 320;

    private const int Left = 60;
    private const int Right = 20;
    private const int Top = 30;
    private const int Bottom = 50;

    /// <summary>So that the outermost points are not on the frame.</summary>
    private const int Inset = 30;

    /// <summary>Between the servers' marks and bars for one number of connections, which would cover each other.</summary>
    private const int Apart = 5;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly Growth _growth;
    private readonly int _top;
    private readonly double[] _levels;

    private CpuPanel(Growth growth, int top)
    {
        _growth = growth;
        _top = top + Top;
        Spread[] all = [.. growth.Variants.SelectMany(variant => growth.Connections.Select(count => growth.At(variant, count)))];
        _levels = LevelsAround(all.Min(cpu => cpu.Minimum), all.Max(cpu => cpu.Maximum));
    }

    private double Base => _top + Height - Top - Bottom;

    /// <param name="growth">What is drawn.</param>
    /// <param name="top">The panel's upper edge.</param>
    public static XElement Draw(Growth growth, int top) => new CpuPanel(growth, top).Draw();

    private XElement Draw() => new(
        Svg + "g",
        new XAttribute("class", "panel"),
        SvgText.Create(Left, _top - 10, _growth.InFlight > 1 ? $"{_growth.Workload}, {_growth.InFlight} calls in flight" : _growth.Workload, "title"),
        _levels.Select(Level),
        _growth.Connections.Select(Count),
        new XElement(
            Svg + "path",
            new XAttribute("class", "axis"),
            new XAttribute("d", string.Create(CultureInfo.InvariantCulture, $"M{Left} {_top}V{Base}H{Width - Right}"))),
        SvgText.Create((Left + Width - Right) / 2.0, Base + 38, "connections (log scale)", anchor: "middle"),
        SvgText.Create(16, (_top + Base) / 2, $"CPU us/{_growth.Unit} (log scale)", anchor: "middle", turned: true),
        _growth.Variants.Select(Curve));

    private IEnumerable<XElement> Level(double value) =>
    [
        Stroke("grid", Left, YOf(value), Width - Right, YOf(value)),
        SvgText.Create(Left - 8, YOf(value) + 4, value.ToString("0.###", CultureInfo.InvariantCulture), anchor: "end"),
    ];

    private IEnumerable<XElement> Count(int connections) =>
    [
        Stroke("grid", XOf(connections), _top, XOf(connections), Base),
        SvgText.Create(XOf(connections), Base + 18, connections.ToString(CultureInfo.InvariantCulture), anchor: "middle"),
    ];

    private XElement Curve(Variant variant, int index)
    {
        double shift = (index - ((_growth.Variants.Count - 1) / 2.0)) * Apart;
        (double X, Spread Cpu)[] points = [.. _growth.Connections.Select(count => (XOf(count) + shift, _growth.At(variant, count)))];
        return new XElement(
            Svg + "g",
            new XAttribute("class", "server"),
            new XElement(Svg + "title", variant.Name),
            points.Select(point => Bar(variant, point.X, point.Cpu)),
            LineStyle.Line(
                variant, string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:F1},{YOf(point.Cpu.Median):F1}")))),
            points.Select(point => LineStyle.Mark(variant, Math.Round(point.X, 1), Math.Round(YOf(point.Cpu.Median), 1))));
    }

    private XElement Bar(Variant variant, double x, Spread cpu)
    {
        XElement bar = Stroke("bar", x, YOf(cpu.Minimum), x, YOf(cpu.Maximum));
        bar.Add(new XAttribute("stroke", LineStyle.ColourOf(variant)));
        return bar;
    }

    private static XElement Stroke(string kind, double x1, double y1, double x2, double y2) => new(
        Svg + "line",
        new XAttribute("class", kind),
        new XAttribute("x1", Math.Round(x1, 1)),
        new XAttribute("y1", Math.Round(y1, 1)),
        new XAttribute("x2", Math.Round(x2, 1)),
        new XAttribute("y2", Math.Round(y2, 1)));

    private double XOf(int connections)
    {
        double fewest = Math.Log2(_growth.Connections[0]);
        double most = Math.Log2(_growth.Connections[^1]);
        double share = most > fewest ? (Math.Log2(connections) - fewest) / (most - fewest) : 0.5;
        return Left + Inset + ((Width - Right - Left - (2 * Inset)) * share);
    }

    private double YOf(double value) => Base - ((Base - _top) * Math.Log(value / _levels[0]) / Math.Log(_levels[^1] / _levels[0]));

    /// <summary>1, 2 and 5 times powers of ten, from below the smallest to above the largest; at least two.</summary>
    private static double[] LevelsAround(double smallest, double largest)
    {
        double[] steps =
        [
            .. from power in Enumerable.Range(-3, 12)
               from digit in (int[])[1, 2, 5]
               select digit * Math.Pow(10, power),
        ];
        int first = Math.Max(0, Array.FindLastIndex(steps, step => step < smallest));
        int last = Array.FindIndex(steps, step => step > largest);
        return steps[first..((last < 0 ? steps.Length - 1 : last) + 1)];
    }
}
