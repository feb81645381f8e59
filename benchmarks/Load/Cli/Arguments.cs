using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Kestrel.Rpc.Benchmarks.Load.Cli;

/// <summary>Makes the command line's options: one word of a list, several words, several numbers.</summary>
internal static class Arguments
{
    public static Option<T> One<T>(string name, string description, IReadOnlyDictionary<string, T> words) =>
        new(name)
        {
            Description = description,
            HelpName = string.Join('|', words.Keys),
            Required = true,
            CustomParser = result => Word(result, result.Tokens[0].Value, words),
        };

    public static Option<T[]> Many<T>(string name, string description, IReadOnlyDictionary<string, T> words, string standard = "all") =>
        new(name)
        {
            Description = $"{description}. Default: {standard}",
            HelpName = string.Join(',', words.Keys),
            CustomParser = result => [.. Parts(result).Select(part => Word(result, part, words)).Distinct()],
        };

    /// <summary>The words chosen of an option made by <see cref="Many{T}"/>; all if it was not given.</summary>
    public static T[] Chosen<T>(this ParseResult line, Option<T[]> option, IReadOnlyDictionary<string, T> words) =>
        line.GetValue(option) is { Length: > 0 } chosen ? chosen : [.. words.Values];

    public static Option<int[]> Numbers(string name, string description, params int[] standard) =>
        new(name)
        {
            Description = $"{description}, separated by commas",
            DefaultValueFactory = _ => standard,
            CustomParser = result => [.. Parts(result).Select(part => Positive(result, part)).Distinct()],
        };

    public static Option<int> Number(string name, string description, int standard) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => standard,
            CustomParser = result => Positive(result, result.Tokens[0].Value),
        };

    public static Option<double> Seconds(string name, string description, double standard) =>
        new(name)
        {
            Description = description,
            DefaultValueFactory = _ => standard,
            CustomParser = result => PositiveSeconds(result, result.Tokens[0].Value),
        };

    private static IEnumerable<string> Parts(ArgumentResult result) =>
        result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static T Word<T>(ArgumentResult result, string text, IReadOnlyDictionary<string, T> words)
    {
        if (!words.TryGetValue(text, out T? value))
        {
            result.AddError($"'{text}' is none of {string.Join(", ", words.Keys)}.");
        }

        return value!;
    }

    private static double PositiveSeconds(ArgumentResult result, string text)
    {
        // An hour bounds every run.
        if (!double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) || value is <= 0 or > 3600)
        {
            result.AddError($"'{text}' is not a number of seconds up to 3600.");
        }

        return value;
    }

    private static int Positive(ArgumentResult result, string text)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < 1)
        {
            result.AddError($"'{text}' is not a positive number.");
        }

        return value;
    }
}
