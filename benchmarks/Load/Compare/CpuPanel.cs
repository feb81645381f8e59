using System.Globalization;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>One workload of the plot: connections on a logarithmic axis, microseconds from 0 up.</summary>
internal sealed class CpuPanel
{
    public const int Width = 640;
    public const int Height = 320;

    private const int Left = 60;
    private const int Right = 20;
    private const int Top = 30;
    private const int Bottom = 50;

    /// <summary>So that the outermost points are not on the frame, and a single number of connections is in the middle.</summary>
    private const double Margin = 0.15;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly Growth _growth;
    private readonly int _top;
    private readonly double _fewest;
    private readonly double _most;
    private readonly double _step;
    private readonly double _highest;

    private CpuPanel(Growth growth, int top)
    {
        _growth = growth;
        _top = top + Top;
        _fewest = Math.Log2(growth.Connections[0]) - Margin;
        _most = Math.Log2(growth.Connections[^1]) + Margin;
        double largest = growth.Variants.Max(variant => growth.Connections.Max(count => growth.At(variant, count).Maximum));
        _step = StepOf(largest);
        _highest = Math.Max(1, Math.Ceiling(largest / _step)) * _step;
    }

    private double Base => _top + Height - Top - Bottom;

    /// <param name="growth">What is drawn.</param>
    /// <param name="top">The panel's upper edge.</param>
    public static XElement Draw(Growth growth, int top) => new CpuPanel(growth, top).Draw();

    private XElement Draw() => new(
        Svg + "g",
        new XAttribute("class", "panel"),
        SvgText.Create(Left, _top - 10, _growth.InFlight > 1 ? $"{_growth.Workload}, {_growth.InFlight} calls in flight" : _growth.Workload, "title"),
        Enumerable.Range(0, (int)Math.Round(_highest / _step) + 1).Select(i => Level(i * _step)),
        _growth.Connections.Select(Count),
        new XElement(
            Svg + "path",
            new XAttribute("class", "axis"),
            new XAttribute("d", string.Create(CultureInfo.InvariantCulture, $"M{Left} {_top}V{Base}H{Width - Right}"))),
        SvgText.Create((Left + Width - Right) / 2.0, Base + 38, "connections (log scale)", anchor: "middle"),
        SvgText.Create(16, (_top + Base) / 2, $"CPU us/{_growth.Unit}", anchor: "middle", turned: true),
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

    private XElement Curve(Variant variant)
    {
        (double X, Spread Cpu)[] points = [.. _growth.Connections.Select(count => (XOf(count), _growth.At(variant, count)))];
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

    private double XOf(int connections) => Left + ((Width - Right - Left) * (Math.Log2(connections) - _fewest) / (_most - _fewest));

    private double YOf(double value) => Base - ((Base - _top) * value / _highest);

    /// <summary>1, 2 or 5 times a power of ten, so that there are four to ten levels.</summary>
    private static double StepOf(double largest)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(largest, 1e-3))));
        return (largest / power) switch
        {
            < 2 => power / 5,
            < 5 => power / 2,
            _ => power,
        };
    }
}
