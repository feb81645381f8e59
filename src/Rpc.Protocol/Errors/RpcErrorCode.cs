namespace Kestrel.Rpc.Protocol;

/// <summary>What kind of failure a call met. <see cref="RpcErrorCodeExtensions"/> gives the names used on the wire.</summary>
public enum RpcErrorCode
{
    /// <summary><c>TIMEOUT</c>: the time for the call ran out.</summary>
    Timeout = 1,

    /// <summary><c>CONNECTION</c>: there is no connection, or it was closed.</summary>
    Connection = 2,

    /// <summary><c>NETWORK</c>: sending or receiving failed.</summary>
    Network = 3,

    /// <summary><c>SERIALIZATION</c>: a message could not be turned into bytes.</summary>
    Serialization = 4,

    /// <summary><c>DESERIALIZATION</c>: a body is not the message that was expected.</summary>
    Deserialization = 5,

    /// <summary><c>ENCODING</c>: a frame could not be written, for example because it would be over a limit.</summary>
    Encoding = 6,

    /// <summary><c>DECODING</c>: what was received is not a frame, or its protocol data is malformed.</summary>
    Decoding = 7,

    /// <summary><c>SERVER</c>: the server could not answer: no such method, overload, a handler that failed.</summary>
    Server = 8,

    /// <summary><c>CLIENT</c>: the client was used wrongly, or one of its own limits was reached.</summary>
    Client = 9,

    /// <summary><c>RETRY_FAILED</c>: every attempt failed.</summary>
    RetryFailed = 10,
}
