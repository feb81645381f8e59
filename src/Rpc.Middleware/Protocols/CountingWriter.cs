using System.Buffers;

namespace Kestrel.Rpc.Middleware;

/// <summary>What a protocol writes to: the output, with a count. Of the output's writer.</summary>
internal sealed class CountingWriter : IBufferWriter<byte>
{
    private IBufferWriter<byte>? _output;

    /// <summary>Bytes written since <see cref="Begin"/>.</summary>
    public int Count { get; private set; }

    private IBufferWriter<byte> Output => _output
        ?? throw new InvalidOperationException("The output was used after the method had returned that it was given to.");

    public void Begin(IBufferWriter<byte> output)
    {
        _output = output;
        Count = 0;
    }

    /// <summary>Takes the output away again.</summary>
    /// <returns>Bytes written.</returns>
    public int End()
    {
        _output = null;
        return Count;
    }

    public int Write(IBufferWriter<byte> output, Action<IBufferWriter<byte>> write)
    {
        Begin(output);
        write(this);
        return End();
    }

    public void Advance(int count)
    {
        Output.Advance(count);
        Count += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) => Output.GetMemory(sizeHint);

    public Span<byte> GetSpan(int sizeHint = 0) => Output.GetSpan(sizeHint);
}
