namespace Kestrel.Rpc.Protocol;

/// <summary>What a frame is. One byte at offset 3 of the header. Version 1 knows the first two alone.</summary>
/// <remarks>The original MyRPC server sends its replies with <see cref="Request"/>; a client must accept both in a reply of version 1.</remarks>
public enum RpcFrameType : byte
{
    /// <summary>A call; in version 2 the first frame of a call. Sent by clients.</summary>
    Request = 1,

    /// <summary>The reply to a call, good or bad; in version 2 the last frame of a call. Sent by servers.</summary>
    Response = 2,

    /// <summary>Metadata of a reply ahead of its first message. Sent by servers, at most once a call. Version 2.</summary>
    Headers = 3,

    /// <summary>A message of a stream, or a further piece of a message. Version 2.</summary>
    Data = 4,

    /// <summary>Permission to send more <see cref="Data"/>. Version 2.</summary>
    Credit = 5,

    /// <summary>The client gives a call up. Version 2.</summary>
    Cancel = 6,

    /// <summary>Asks for a <see cref="Pong"/> with the same eight bytes. Version 2.</summary>
    Ping = 7,

    /// <summary>The answer to a <see cref="Ping"/>. Version 2.</summary>
    Pong = 8,

    /// <summary>No new calls on this connection; with an error code the connection ends. Version 2.</summary>
    GoAway = 9,

    /// <summary>What the sender accepts beyond the defaults; its first frame or none. Version 2.</summary>
    Settings = 10,
}
