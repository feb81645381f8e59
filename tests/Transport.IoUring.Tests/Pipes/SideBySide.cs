using System.Globalization;
using System.Text;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Does the same to two things and compares what is seen of them: results, pending waits, types of exceptions.</summary>
internal sealed class SideBySide<T>(T ours, T theirs)
{
    private readonly StringBuilder _history = new();

    /// <summary>What was done and seen so far.</summary>
    public string History => _history.ToString();

    public void Do(string step, Func<T, string> action)
    {
        string mine = Observe(ours, action);
        string pipes = Observe(theirs, action);
        _history.AppendLine(CultureInfo.InvariantCulture, $"{step} -> {pipes}");
        Assert.True(mine == pipes, $"Ours: {mine}\n{_history}");
    }

    private static string Observe(T target, Func<T, string> action)
    {
        try
        {
            return action(target);
        }
        catch (Exception e)
        {
            return e.GetType().Name; // the behaviour under test
        }
    }
}
