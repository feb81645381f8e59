using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>Tests as documents name them: <c>file::method</c>.</summary>
internal static class NamedTests
{
    /// <summary>Whether the file is there and has the test.</summary>
    public static bool Exists(string test)
    {
        string[] parts = test.Split("::");
        return parts.Length == 2 && File.Exists(Path.Combine(RepositoryFiles.Root, parts[0])) && HasTest(RepositoryFiles.Read(parts[0]), parts[1]);
    }

    /// <summary>A test is a method below [Fact] or [Theory], with other attributes in between.</summary>
    private static bool HasTest(string source, string method) =>
        Regex.IsMatch(source, @"\[(Fact|Theory)\b[^\n]*\n(\s*\[[^\n]*\n|\s*//[^\n]*\n)*\s*public [\w<> ]+ " + Regex.Escape(method) + @"\(");
}
