namespace Kestrel.Rpc.Protocol;

/// <summary>What came of an attempt to read a frame.</summary>
public enum RpcFrameReadStatus
{
    /// <summary>The bytes are a good beginning, but more are needed. Nothing was consumed.</summary>
    NeedMore = 0,

    /// <summary>A whole frame was read and its bytes are consumed.</summary>
    Frame = 1,

    /// <summary>The bytes are no frame that can be accepted. Nothing was consumed; the connection cannot go on.</summary>
    Error = 2,
}
