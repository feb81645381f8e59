using System.Xml.Linq;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Plot;

/// <summary>A line of text of a plot.</summary>
internal static class SvgText
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <param name="x">Where it is anchored.</param>
    /// <param name="y">Its base line.</param>
    /// <param name="text">What it says.</param>
    /// <param name="kind">A class of the plot's style.</param>
    /// <param name="anchor">start, middle or end.</param>
    /// <param name="turned">Whether it runs upwards.</param>
    public static XElement Create(double x, double y, string text, string? kind = null, string anchor = "start", bool turned = false) => new(
        Svg + "text",
        new XAttribute("x", x),
        new XAttribute("y", y),
        new XAttribute("text-anchor", anchor),
        kind is null ? null : new XAttribute("class", kind),
        turned ? new XAttribute("transform", FormattableString.Invariant($"rotate(-90 {x} {y})")) : null,
        text);
}
