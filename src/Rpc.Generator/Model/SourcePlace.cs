namespace Kestrel.Rpc.Generator;

/// <summary>A place in a .proto, both counted from 1.</summary>
internal readonly record struct SourcePlace(int Line, int Column)
{
    public static SourcePlace Start => new(1, 1);
}
