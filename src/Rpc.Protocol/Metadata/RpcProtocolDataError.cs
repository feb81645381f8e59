namespace Kestrel.Rpc.Protocol;

/// <summary>Why protocol data was not accepted.</summary>
public enum RpcProtocolDataError
{
    /// <summary>There is no error.</summary>
    None = 0,

    /// <summary>The bytes are not one JSON object in valid UTF-8.</summary>
    Malformed = 1,

    /// <summary>A known key appears twice; which of the two counts would depend on the reader.</summary>
    DuplicateKey = 2,

    /// <summary>The value of a known key is not a string.</summary>
    WrongType = 3,

    /// <summary>A request without <c>service_name</c>.</summary>
    MissingServiceName = 4,

    /// <summary>A request without <c>method_name</c>.</summary>
    MissingMethodName = 5,
}
