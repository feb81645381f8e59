using System.Text;

namespace Kestrel.Rpc.Generator;

/// <summary>Lines of C# with their indentation.</summary>
internal sealed class CodeWriter
{
    private readonly StringBuilder _text = new();
    private int _depth;

    /// <summary>Writes lines, each indented as deep as the block that is open.</summary>
    public void Lines(string lines)
    {
        foreach (string line in lines.Split('\n'))
        {
            Line(line);
        }
    }

    /// <summary>An empty line, unless one stands there or a block has just begun.</summary>
    public void Gap()
    {
        string text = _text.Length >= 3 ? _text.ToString(_text.Length - 3, 3) : "";
        if (text.Length > 0 && !text.EndsWith("\n\n", StringComparison.Ordinal) && !text.EndsWith("{\n", StringComparison.Ordinal))
        {
            _text.Append('\n');
        }
    }

    public void Open(string head)
    {
        Lines(head);
        Line("{");
        _depth++;
    }

    /// <summary>Ends a block; <paramref name="behind"/> follows its brace.</summary>
    public void Close(string behind = "")
    {
        _depth--;
        Line("}" + behind);
    }

    public override string ToString() => _text.ToString();

    private void Line(string line)
    {
        if (line.Length > 0)
        {
            _text.Append(' ', _depth * 4).Append(line);
        }

        _text.Append('\n');
    }
}
