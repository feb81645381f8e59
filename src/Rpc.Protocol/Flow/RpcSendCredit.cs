using System.Diagnostics;

namespace Kestrel.Rpc.Protocol;

/// <summary>
/// How much DATA the peer lets this side send, of one call or of a connection. A mutable struct: keep it in a field and never copy it. Not
/// thread-safe: that of a connection and those of its calls belong under one lock.
/// </summary>
public struct RpcSendCredit
{
    /// <summary>Starts with what the peer grants at first.</summary>
    /// <param name="initial">Bytes, not negative.</param>
    public RpcSendCredit(int initial)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(initial);
        Available = initial;
    }

    /// <summary>Bytes that may be sent now.</summary>
    public int Available { get; private set; }

    /// <summary>Adds what a CREDIT grants, or what SETTINGS grant beyond the default.</summary>
    /// <param name="bytes">Bytes, not negative.</param>
    /// <returns>False if the sum would be over <see cref="RpcCredit.Max"/>, a protocol error; nothing was added.</returns>
    public bool TryAdd(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        if (bytes > RpcCredit.Max - Available)
        {
            return false;
        }

        Available += bytes;
        return true;
    }

    internal void Take(long bytes)
    {
        Debug.Assert(bytes >= 0 && bytes <= Available, "Credit is taken after it was looked at.");
        Available -= (int)bytes;
    }
}
