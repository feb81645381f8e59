namespace Kestrel.Rpc.Protocol;

/// <summary>What DATA frames of version 2 cost, and the taking of credit for them. Stateless.</summary>
public static class RpcCredit
{
    /// <summary>What every DATA frame with a message or a piece costs beside its body, in bytes: empty messages take memory too.</summary>
    public const int FrameCost = RpcFrameHeader.Size;

    /// <summary>The most credit there may be: 2^31 - 1 bytes.</summary>
    public const int Max = int.MaxValue;

    /// <summary>What a DATA frame costs. One with NO_MESSAGE costs nothing.</summary>
    /// <param name="bodyLength">Bytes of its body.</param>
    /// <returns>Bytes of credit.</returns>
    public static long CostOf(int bodyLength) => FrameCost + (long)bodyLength;

    /// <summary>Takes credit for a DATA frame from its call and from the connection, from both or from neither.</summary>
    /// <param name="call">The credit of the call.</param>
    /// <param name="connection">The credit of the connection.</param>
    /// <param name="length">Bytes of body wanted: what is left of the message, at most the longest piece.</param>
    /// <param name="least">
    /// The shortest piece worth a frame, 1 or more and, with the cost of the frame, at most half of either window, or both sides may wait for each
    /// other; less is taken only if it is all that is wanted. 0 bytes wanted are an empty message.
    /// </param>
    /// <param name="granted">Bytes of body that may be sent in the frame.</param>
    /// <returns>False if there is not enough: wait for a CREDIT.</returns>
    public static bool TryTake(ref RpcSendCredit call, ref RpcSendCredit connection, int length, int least, out int granted)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfLessThan(least, 1);
        long room = Math.Min(call.Available, connection.Available) - FrameCost;
        if (room < Math.Min(length, least))
        {
            granted = 0;
            return false;
        }

        granted = (int)Math.Min(room, length);
        call.Take(CostOf(granted));
        connection.Take(CostOf(granted));
        return true;
    }
}
