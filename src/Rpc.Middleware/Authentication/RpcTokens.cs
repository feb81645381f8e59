using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Kestrel.Rpc.Middleware;

/// <summary>Compares secrets such as tokens. Any thread.</summary>
public static class RpcTokens
{
    /// <summary>
    /// Whether two tokens are the same, in a time that does not tell where they differ, nor how long the expected one is but in steps of a hash's blocks (64 bytes).
    /// Both are hashed with SHA-256, and the hashes are compared with <see cref="CryptographicOperations.FixedTimeEquals"/>. Allocates nothing.
    /// </summary>
    /// <param name="presented">What the peer has sent.</param>
    /// <param name="expected">What it should be.</param>
    /// <returns>Whether every UTF-16 unit is the same: no other spelling of a text is taken for it.</returns>
    public static bool AreEqual(ReadOnlySpan<char> presented, ReadOnlySpan<char> expected) =>
        AreEqual(MemoryMarshal.AsBytes(presented), MemoryMarshal.AsBytes(expected));

    /// <summary>As <see cref="AreEqual(ReadOnlySpan{char}, ReadOnlySpan{char})"/>, for bytes.</summary>
    /// <param name="presented">What the peer has sent.</param>
    /// <param name="expected">What it should be.</param>
    /// <returns>Whether every byte is the same.</returns>
    public static bool AreEqual(ReadOnlySpan<byte> presented, ReadOnlySpan<byte> expected)
    {
        Span<byte> presentedHash = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> expectedHash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(presented, presentedHash);
        SHA256.HashData(expected, expectedHash);
        return CryptographicOperations.FixedTimeEquals(presentedHash, expectedHash);
    }
}
