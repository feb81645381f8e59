namespace Kestrel.Rpc.Protocol;

/// <summary>The first byte in the frame header of a frame that belongs to a call (version 2).</summary>
[Flags]
public enum RpcCallBits : byte
{
    /// <summary>No flag. A header of no bytes says the same.</summary>
    None = 0,

    /// <summary>No message of the client follows. REQUEST, and DATA of a client; with the last piece of a cut message.</summary>
    End = 0x01,

    /// <summary>The message goes on in the next DATA (or RESPONSE) frame of the call. REQUEST and DATA.</summary>
    More = 0x02,

    /// <summary>The message is compressed, its attachment is not. On the first frame of a message.</summary>
    Compressed = 0x04,

    /// <summary>The frame has no message and no piece of one; without this flag an empty body is an empty message.</summary>
    NoMessage = 0x08,

    /// <summary>No reply is wanted and none is sent. REQUEST.</summary>
    OneWay = 0x10,

    /// <summary>No handler has seen the call: it may be sent again without harm. RESPONSE.</summary>
    NotProcessed = 0x20,
}
