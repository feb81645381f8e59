using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests;

/// <summary>The shared pool, counting what is rented, in bytes.</summary>
internal sealed class CountingPool : ArrayPool<byte>
{
    public long Rented { get; private set; }

    public long RentedEver { get; private set; }

    public override byte[] Rent(int minimumLength)
    {
        byte[] array = Shared.Rent(minimumLength);
        Rented += array.Length;
        RentedEver += array.Length;
        return array;
    }

    public override void Return(byte[] array, bool clearArray = false)
    {
        Rented -= array.Length;
        Shared.Return(array);
    }
}
