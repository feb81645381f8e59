using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Cli;

namespace Kestrel.Rpc.Benchmarks.Load.Compare;

/// <summary>How a server looks in every plot: one colour of its own, dashes for inline scheduling, squares for the C programs.</summary>
internal static class LineStyle
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static readonly Dictionary<Variant, string> Colours = new()
    {
        [Variants.SocketsPool] = "#e15759",
        [Variants.SocketsInline] = "#e07b1a",
        [Variants.EpollPool] = "#4c86c6",
        [Variants.EpollInline] = "#1fa0b8",
        [Variants.IoUringPool] = "#3a9a3f",
        [Variants.IoUringInline] = "#9a6fd0",
        [Variants.EpollPolling] = "#5b6fe0",
        [Variants.IoUringPolling] = "#7d9412",
        [Variants.CEpoll] = "#8a8a8a",
        [Variants.CIoUring] = "#b08a1e",
        [Variants.CEpollPolling] = "#c2589b",
    };

    public static string ColourOf(Variant variant) => Colours[variant];

    /// <param name="variant">Whose line.</param>
    /// <param name="points">As SVG has them: "x,y x,y".</param>
    public static XElement Line(Variant variant, string points) => new(
        Svg + "polyline",
        new XAttribute("class", "line"),
        new XAttribute("stroke", ColourOf(variant)),
        variant.Limit is null && variant.Scheduling == Scheduling.Inline ? new XAttribute("stroke-dasharray", "6 3") : null,
        new XAttribute("points", points));

    public static XElement Mark(Variant variant, double x, double y) => variant.Limit is null
        ? new XElement(
            Svg + "circle", new XAttribute("cx", x), new XAttribute("cy", y), new XAttribute("r", 3.5), new XAttribute("fill", ColourOf(variant)))
        : new XElement(
            Svg + "rect",
            new XAttribute("x", x - 3.5),
            new XAttribute("y", y - 3.5),
            new XAttribute("width", 7),
            new XAttribute("height", 7),
            new XAttribute("fill", ColourOf(variant)));
}
