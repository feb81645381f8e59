using System.Globalization;
using Microsoft.Extensions.Configuration;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Kestrel.Rpc.Configuration.Yaml;

/// <summary>Makes keys and values of a YAML document.</summary>
internal sealed class YamlKeys
{
    // An alias may stand for a node that has aliases: without a bound a short file could become an endless configuration.
    internal const int MaxValues = 10_000;
    internal const int MaxDepth = 32;

    // For the same reason: what has no values costs time as well. A file that repeats nothing has fewer.
    internal const int MaxNodes = 10 * MaxValues;

    // The stream and the document count, too.
    private const int MaxEventDepth = MaxDepth + 2;

    private readonly Dictionary<string, string?> _values = new(StringComparer.OrdinalIgnoreCase);
    private int _nodes;

    /// <exception cref="FormatException">It is not YAML, or not what a configuration can be.</exception>
    public static Dictionary<string, string?> Read(TextReader reader)
    {
        YamlStream stream = [];
        string text = reader.ReadToEnd();
        try
        {
            CheckDepth(text); // what makes nodes of it calls itself for each level, and would end the process
            stream.Load(new StringReader(text));
        }
        catch (YamlException exception)
        {
            throw new FormatException($"Not YAML at {At(exception.Start)}: {exception.Message}", exception);
        }

        if (stream.Documents.Count > 1)
        {
            throw new FormatException($"The file has {stream.Documents.Count} documents; one is read.");
        }

        YamlKeys keys = new();
        if (stream.Documents.Count == 1)
        {
            YamlNode root = stream.Documents[0].RootNode;
            if (root is YamlMappingNode mapping)
            {
                keys.Add("", mapping, depth: 1);
            }
            else if (ValueOf(root) is not null)
            {
                throw Fault(root, "The file must be a mapping");
            }
        }

        return keys._values;
    }

    private void Add(string path, YamlNode node, int depth)
    {
        if (depth > MaxDepth)
        {
            throw Fault(node, $"More than {MaxDepth} levels");
        }

        if (++_nodes > MaxNodes)
        {
            throw Fault(node, $"More than {MaxNodes} mappings, sequences and values, aliases counted as what they stand for");
        }

        switch (node)
        {
            case YamlMappingNode mapping:
                foreach ((YamlNode key, YamlNode value) in mapping.Children)
                {
                    string name = (key as YamlScalarNode)?.Value ?? throw Fault(key, "A key must be a scalar");
                    Add(Join(path, name), value, depth + 1);
                }

                break;
            case YamlSequenceNode sequence:
                for (int i = 0; i < sequence.Children.Count; i++)
                {
                    Add(Join(path, i.ToString(CultureInfo.InvariantCulture)), sequence.Children[i], depth + 1);
                }

                break;
            default:
                AddValue(path, node);
                break;
        }
    }

    private static void CheckDepth(string text)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > MaxEventDepth)
            {
                throw new FormatException($"More than {MaxDepth} levels: {At(parser.Current.Start)}.");
            }
        }
    }

    private void AddValue(string path, YamlNode node)
    {
        if (!_values.TryAdd(path, ValueOf(node)))
        {
            throw Fault(node, $"The key '{path}' stands here twice, upper and lower case being the same");
        }

        if (_values.Count > MaxValues)
        {
            throw Fault(node, $"More than {MaxValues} values");
        }
    }

    private static string? ValueOf(YamlNode node) =>
        node is not YamlScalarNode scalar ? ""
        : scalar.Style == ScalarStyle.Plain && scalar.Value is null or "" or "~" or "null" or "Null" or "NULL" ? null
        : scalar.Value;

    private static string Join(string path, string name) => path.Length == 0 ? name : ConfigurationPath.Combine(path, name);

    private static FormatException Fault(YamlNode node, string what) => new($"{what}: {At(node.Start)}.");

    private static string At(in Mark mark) => $"line {mark.Line}, column {mark.Column}";
}
