namespace Kestrel.Rpc.Protocol;

/// <summary>Why metadata of a version-2 call was not accepted. An error of that call alone: the connection goes on.</summary>
public enum RpcMetadataError
{
    /// <summary>There is no error.</summary>
    None = 0,

    /// <summary>An entry ends inside its key.</summary>
    Malformed = 1,

    /// <summary>A key is empty, too long, or has characters that keys do not have, upper-case letters among them.</summary>
    BadKey = 2,

    /// <summary>The value of a key that does not end in <c>-bin</c> is not UTF-8.</summary>
    BadText = 3,

    /// <summary>More entries than <see cref="RpcMetadataLimits.MaxEntries"/>.</summary>
    TooManyEntries = 4,

    /// <summary>More bytes than <see cref="RpcMetadataLimits.MaxLength"/>.</summary>
    TooLong = 5,
}
