using Kestrel.Rpc.Benchmarks.Load.Client.Loops;

namespace Kestrel.Rpc.Load.Tests;

public sealed class PendingBytesTests
{
    [Fact]
    public void AppendAndDrop_InAnyOrder_KeepTheBytesBetween()
    {
        var random = new Random(1);
        var pending = new PendingBytes();
        var expected = new List<byte>();
        for (int i = 0; i < 2000; i++)
        {
            if (random.Next(2) == 0)
            {
                byte[] bytes = new byte[random.Next(300)];
                random.NextBytes(bytes);
                pending.Append(bytes);
                expected.AddRange(bytes);
            }
            else
            {
                int count = random.Next(3) == 0 ? pending.Length : random.Next(pending.Length + 1);
                pending.Drop(count);
                expected.RemoveRange(0, count);
            }

            Assert.True(pending.Span.SequenceEqual(expected.ToArray()));
        }
    }
}
