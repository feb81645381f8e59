using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>A parser under fuzzing: what it is fed with, how much it may allocate, and what must hold for every input.</summary>
internal abstract class FuzzTarget
{
    /// <summary>Valid inputs that are mutated.</summary>
    public abstract IReadOnlyList<byte[]> Corpus { get; }

    /// <summary>The most bytes that <see cref="Parse"/> may allocate.</summary>
    public abstract long Budget(long inputLength);

    /// <summary>Runs the parser. Every exception is a failure; so is one that is thrown for a result that should not be.</summary>
    public abstract void Parse(in ReadOnlySequence<byte> input);

    /// <summary>Fails the input. Not an assertion of xunit: building its message would count as the parser's allocation.</summary>
    protected static void Require(bool condition, string what)
    {
        if (!condition)
        {
            throw new FuzzException(what);
        }
    }
}

/// <summary>Something that must hold for every input does not.</summary>
internal sealed class FuzzException(string message, Exception? innerException = null) : Exception(message, innerException);
