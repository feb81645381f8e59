using System.Globalization;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Compare.Reporting;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Plot;

/// <summary>
/// Draws CPU per request against connections as SVG: one panel for each workload, one line for each server, with bars from the smallest to the
/// largest round. It has no background, and its text follows the reader's choice of light or dark.
/// </summary>
internal static class CpuPlot
{
    private const int HeadHeight = 46;
    private const int LegendWidth = 160;

    /// <summary>
    /// Text and grid follow the page; the lines' colours have a contrast of 3 to 1 or about that on white as well as on black. Their shapes
    /// tell them apart without colour.
    /// </summary>
    private const string Style = """
        text { font: 12px sans-serif; fill: #24292f }
        .title { font-size: 14px; font-weight: bold }
        .small { font-size: 11px; opacity: .8 }
        .axis { stroke: #24292f; fill: none }
        .grid { stroke: #888888; stroke-opacity: .3 }
        .line { fill: none; stroke-width: 2 }
        .mark { stroke-width: 1.5 }
        @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .axis { stroke: #e6edf3 } }
        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    public static void Write(string file, Machine machine, IReadOnlyList<Growth> growths) => File.WriteAllText(file, $"{Draw(machine, growths)}\n");

    public static XDocument Draw(Machine machine, IReadOnlyList<Growth> growths)
    {
        Variant[] variants = [.. growths.SelectMany(growth => growth.Variants).Distinct()];
        int panelsHeight = Math.Max(1, growths.Count) * CpuPanel.Height;
        int width = CpuPanel.Width + LegendWidth;
        return new XDocument(new XElement(
            Svg + "svg",
            new XAttribute("viewBox", $"0 0 {width} {HeadHeight + panelsHeight}"),
            new XAttribute("width", width),
            new XAttribute("height", HeadHeight + panelsHeight),
            new XElement(Svg + "title", "Server CPU per request against connections"),
            new XElement(Svg + "style", Style),
            SvgText.Create(10, 18, "Server CPU per request against connections", "title"),
            SvgText.Create(10, 36, $"{machine.Cpu}, {machine.Cores} cores, Linux {machine.Kernel}, {machine.Runtime}, {machine.Date}, commit {machine.Commit}", "small"),
            growths.Select((growth, i) => CpuPanel.Draw(growth, HeadHeight + (i * CpuPanel.Height))),
            variants.Select((variant, i) => Entry(variant, CpuPanel.Width + 10, HeadHeight + 30 + (i * 20)))));
    }

    private static XElement Entry(Variant variant, int x, int y) => new(
        Svg + "g",
        new XAttribute("class", "legend"),
        LineStyle.Line(variant, string.Create(CultureInfo.InvariantCulture, $"{x},{y} {x + 36},{y}")),
        LineStyle.Mark(variant, x + 18, y),
        SvgText.Create(x + 44, y + 4, variant.Name));
}
