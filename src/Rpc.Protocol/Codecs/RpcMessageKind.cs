namespace Kestrel.Rpc.Protocol;

/// <summary>What the bytes of a message are, for those who must write the same message otherwise.</summary>
internal enum RpcMessageKind
{
    /// <summary>A codec of the application: nobody else can read it.</summary>
    Other,

    /// <summary>Protobuf; the message is an <see cref="Google.Protobuf.IMessage"/>.</summary>
    Protobuf,

    /// <summary>A JSON text in UTF-8.</summary>
    Json,
}
