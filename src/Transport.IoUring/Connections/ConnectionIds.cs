using System.Security.Cryptography;

namespace Kestrel.Rpc.Transport;

/// <summary>Ids that no two connections of this process share: a random start, counted up, in 13 base-32 digits.</summary>
internal static class ConnectionIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUV";

    private static long _last = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(sizeof(long)));

    public static string Next() => string.Create(13, (ulong)Interlocked.Increment(ref _last), static (text, id) =>
    {
        for (int i = text.Length - 1; i >= 0; i--, id >>= 5)
        {
            text[i] = Digits[(int)(id & 31)];
        }
    });
}
