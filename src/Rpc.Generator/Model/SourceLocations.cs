using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>Where the parts of a .proto stand and what its author wrote above them (SourceCodeInfo of descriptor.proto).</summary>
internal sealed class SourceLocations
{
    private readonly Dictionary<string, SourceCodeInfo.Types.Location> _locations = new(StringComparer.Ordinal);

    public SourceLocations(FileDescriptorProto file)
    {
        foreach (SourceCodeInfo.Types.Location location in file.SourceCodeInfo?.Location ?? [])
        {
            // Extension blocks may name a path twice; the first is the declaration.
            _locations.TryAdd(Key(location.Path), location);
        }
    }

    public SourcePlace PlaceOf(params IEnumerable<int> path) =>
        _locations.TryGetValue(Key(path), out SourceCodeInfo.Types.Location? location) && location.Span.Count >= 2
            ? new SourcePlace(location.Span[0] + 1, location.Span[1] + 1)
            : SourcePlace.Start;

    /// <summary>The comment above a part, or else the one behind it; empty if there is none. As it stands in the file, without its marks.</summary>
    public string CommentOf(params IEnumerable<int> path)
    {
        if (!_locations.TryGetValue(Key(path), out SourceCodeInfo.Types.Location? location))
        {
            return "";
        }

        return string.IsNullOrWhiteSpace(location.LeadingComments) ? location.TrailingComments : location.LeadingComments;
    }

    private static string Key(IEnumerable<int> path) => string.Join(',', path);
}
