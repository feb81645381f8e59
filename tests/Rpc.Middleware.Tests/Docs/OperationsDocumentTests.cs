using System.Globalization;
using System.Reflection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>docs/operations.md knows every key, its default and whether it may change while the host runs.</summary>
public sealed class OperationsDocumentTests
{
    // Of the machine, and of an object of Kestrel's.
    private static readonly string[] DefaultsInWords = ["Dedicated:ThreadCount"];

    [Fact]
    public void Keys_OfTheTable_AreThoseOfTheServer()
    {
        Assert.Equal(Keys().Keys.Order(StringComparer.Ordinal), Rows().Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Defaults_OfTheTable_AreThoseOfTheServer()
    {
        Assert.All(Keys().Where(key => !DefaultsInWords.Contains(key.Key)), key => Assert.Equal((key.Key, key.Value), (key.Key, Rows()[key.Key].Default)));
    }

    [Fact]
    public void Reload_OfTheTable_IsWhatTheServerTakes()
    {
        IEnumerable<string> reloadable = Rows().Where(row => row.Value.Reload != "-").Select(row => $"Rpc:Server:{row.Key}");

        Assert.Equal(RpcLiveOptions.Keys.Order(StringComparer.Ordinal), reloadable.Order(StringComparer.Ordinal));
    }

    private static Dictionary<string, (string Default, string Reload)> Rows()
    {
        string[] lines = RpcServerDocumentTests.Read("docs/operations.md").Split('\n');
        int start = Array.IndexOf(lines, "## Every key");
        Assert.True(start > 0, "docs/operations.md has no section 'Every key'.");
        return lines.Skip(start + 1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries))
            .ToDictionary(cells => cells[1].Trim('`'), cells => (cells[2].Trim('`'), cells[4]), StringComparer.Ordinal);
    }

    // With their defaults, as configuration would have them.
    private static Dictionary<string, string> Keys()
    {
        Dictionary<string, string> keys = new(StringComparer.Ordinal) { ["Service"] = "none" };
        foreach ((string section, string[] names) in RpcServerKeys.Sections.Where(section => section.Key != RpcServerKeys.AdaptivePerConnection))
        {
            object options = section.Split(':', StringSplitOptions.RemoveEmptyEntries).Aggregate((object)new RpcServerOptions(), Inner);
            foreach (string name in names)
            {
                string key = section.Length == 0 ? name : $"{section}:{name}";
                if (!RpcServerKeys.Sections.ContainsKey(key) && options.GetType().GetProperty(name) is { } property)
                {
                    keys.Add(key, Text(property.GetValue(options)));
                }
            }
        }

        return keys;
    }

    // A group that is not there by default has the defaults of its type.
    private static object Inner(object options, string name)
    {
        PropertyInfo property = options.GetType().GetProperty(name)!;
        return property.GetValue(options) ?? Activator.CreateInstance(property.PropertyType)!;
    }

    private static string Text(object? value) => value switch
    {
        null => "none",
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
