using System.Globalization;
using System.Xml.Linq;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Compare.Plot;

/// <summary>
/// How a server looks in every plot. Each has a colour of its own, and without colour they differ too: the mark tells what it is made on
/// (circle Sockets, triangle epoll, diamond io_uring), dashes are inline scheduling, dots and hollow marks the C programs.
/// </summary>
internal static class LineStyle
{
    private const string Circle = "M-3.5 0A3.5 3.5 0 1 1 3.5 0A3.5 3.5 0 1 1 -3.5 0Z";
    private const string Triangle = "M0 -4.5L4.5 3.5H-4.5Z";
    private const string Diamond = "M0 -5L5 0L0 5L-5 0Z";

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private static readonly Dictionary<Variant, (string Colour, string Mark)> Styles = new()
    {
        [Variants.SocketsPool] = ("#e15759", Circle),
        [Variants.SocketsInline] = ("#e07b1a", Circle),
        [Variants.EpollPool] = ("#4c86c6", Triangle),
        [Variants.EpollInline] = ("#1fa0b8", Triangle),
        [Variants.IoUringPool] = ("#3a9a3f", Diamond),
        [Variants.IoUringInline] = ("#9a6fd0", Diamond),
        [Variants.CEpoll] = ("#8a8a8a", Triangle),
        [Variants.CIoUring] = ("#b08a1e", Diamond),
    };

    public static string ColourOf(Variant variant) => Styles[variant].Colour;

    /// <param name="variant">Whose line.</param>
    /// <param name="points">As SVG has them: "x,y x,y".</param>
    public static XElement Line(Variant variant, string points) => new(
        Svg + "polyline",
        new XAttribute("class", "line"),
        new XAttribute("stroke", ColourOf(variant)),
        DashesOf(variant) is { } dashes ? new XAttribute("stroke-dasharray", dashes) : null,
        new XAttribute("points", points));

    public static XElement Mark(Variant variant, double x, double y) => new(
        Svg + "path",
        new XAttribute("class", "mark"),
        new XAttribute("transform", string.Create(CultureInfo.InvariantCulture, $"translate({x} {y})")),
        new XAttribute("stroke", ColourOf(variant)),
        new XAttribute("fill", variant.Limit is null ? ColourOf(variant) : "none"),
        new XAttribute("d", Styles[variant].Mark));

    private static string? DashesOf(Variant variant) =>
        variant.Limit is not null ? "2 3" : variant.Scheduling == Scheduling.Inline ? "7 4" : null;
}
