namespace Kestrel.Rpc.Benchmarks.Load.Workloads;

/// <summary>The body of an upload or a download.</summary>
internal static class BulkBody
{
    public const int Length = 1024 * 1024;

    /// <summary>Prime, so that no two blocks of a buffer's size are alike: a piece at the wrong place is noticed.</summary>
    private const int Period = 251;

    public static byte[] Bytes { get; } = Create();

    private static byte[] Create()
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(Length);
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(i % Period);
        }

        return bytes;
    }
}
