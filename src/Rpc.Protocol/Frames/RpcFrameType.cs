namespace Kestrel.Rpc.Protocol;

/// <summary>What a frame is. One byte at offset 3 of the header.</summary>
/// <remarks>The original MyRPC server sends its replies with <see cref="Request"/>; a client must accept both in a reply.</remarks>
public enum RpcFrameType : byte
{
    /// <summary>A call.</summary>
    Request = 1,

    /// <summary>The reply to a call, good or bad.</summary>
    Response = 2,
}
