using System.Text;

namespace Kestrel.Rpc.Generator;

/// <summary>XML documentation from comments of a .proto.</summary>
internal static class Documentation
{
    /// <summary>The first paragraph as summary, the others as remarks; without a comment <paramref name="otherwise"/>, which is XML.</summary>
    public static string Of(string comment, string otherwise)
    {
        List<List<string>> paragraphs = Paragraphs(comment);
        if (paragraphs.Count == 0)
        {
            return $"/// <summary>{otherwise}</summary>";
        }

        StringBuilder text = new();
        if (paragraphs[0].Count == 1)
        {
            text.Append("/// <summary>").Append(paragraphs[0][0]).Append("</summary>");
        }
        else
        {
            text.Append("/// <summary>\n").AppendJoin('\n', paragraphs[0].Select(line => "/// " + line)).Append("\n/// </summary>");
        }

        if (paragraphs.Count > 1)
        {
            text.Append("\n/// <remarks>");
            foreach (List<string> paragraph in paragraphs.Skip(1))
            {
                text.Append("\n/// <para>\n").AppendJoin('\n', paragraph.Select(line => "/// " + line)).Append("\n/// </para>");
            }

            text.Append("\n/// </remarks>");
        }

        return text.ToString();
    }

    /// <summary>Text for XML. What XML cannot contain at all goes; a comment may have it, a document may not.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char letter in text)
        {
            _ = letter switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                < ' ' and not '\t' => escaped,
                _ => escaped.Append(letter),
            };
        }

        return escaped.ToString();
    }

    private static List<List<string>> Paragraphs(string comment)
    {
        List<List<string>> paragraphs = [];
        bool isOpen = false;
        foreach (string line in comment.ReplaceLineEndings("\n").Split('\n').Select(line => line.Trim()))
        {
            if (line.Length == 0)
            {
                isOpen = false;
                continue;
            }

            if (!isOpen)
            {
                paragraphs.Add([]);
                isOpen = true;
            }

            paragraphs[^1].Add(Escape(line));
        }

        return paragraphs;
    }
}
