namespace Kestrel.Rpc.Middleware;

/// <summary>Finds what somebody may have meant to write.</summary>
internal static class NearMiss
{
    /// <summary>" Did you mean 'x'?", or nothing if no name is near.</summary>
    public static string Suggest(string written, IEnumerable<string> names)
    {
        (string Name, int Distance)[] near =
        [
            .. names.Select(name => (Name: name, Distance: DistanceOf(written, name)))
                .Where(candidate => candidate.Distance <= Math.Max(2, candidate.Name.Length / 3))
                .OrderBy(candidate => candidate.Distance)
                .ThenBy(candidate => candidate.Name, StringComparer.Ordinal),
        ];
        return near.Length == 0 ? "" : $" Did you mean '{near[0].Name}'?";
    }

    // Levenshtein's: letters to add, to leave out or to change, case not counted.
    private static int DistanceOf(string first, string second)
    {
        int[] before = [.. Enumerable.Range(0, second.Length + 1)];
        int[] current = new int[second.Length + 1];
        for (int i = 0; i < first.Length; i++)
        {
            current[0] = i + 1;
            for (int j = 0; j < second.Length; j++)
            {
                bool isSame = char.ToUpperInvariant(first[i]) == char.ToUpperInvariant(second[j]);
                current[j + 1] = Math.Min(Math.Min(current[j], before[j + 1]) + 1, before[j] + (isSame ? 0 : 1));
            }

            (before, current) = (current, before);
        }

        return before[second.Length];
    }
}
