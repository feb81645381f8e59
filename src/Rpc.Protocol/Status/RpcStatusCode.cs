namespace Kestrel.Rpc.Protocol;

/// <summary>How a call went: gRPC's seventeen codes with gRPC's numbers (grpc/grpc, doc/statuscodes.md).</summary>
public enum RpcStatusCode
{
    /// <summary>No error.</summary>
    Ok = 0,

    /// <summary>The call was cancelled, mostly by its caller.</summary>
    Cancelled = 1,

    /// <summary>An error that nothing more is known of, such as a handler that failed.</summary>
    Unknown = 2,

    /// <summary>The caller gave an argument that is wrong whatever the state of the system is.</summary>
    InvalidArgument = 3,

    /// <summary>The time for the call ran out.</summary>
    DeadlineExceeded = 4,

    /// <summary>Something that was asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>Something that was to be made exists already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller is known and may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A limit was reached or something is used up.</summary>
    ResourceExhausted = 8,

    /// <summary>The system is not in the state that the call needs.</summary>
    FailedPrecondition = 9,

    /// <summary>The call was given up, for example because of a conflict; trying again from the beginning may help.</summary>
    Aborted = 10,

    /// <summary>Something beyond the end was asked for.</summary>
    OutOfRange = 11,

    /// <summary>There is no such method, or something it needs is not supported.</summary>
    Unimplemented = 12,

    /// <summary>Something is broken.</summary>
    Internal = 13,

    /// <summary>The server cannot be reached or does not take calls now; trying again may help.</summary>
    Unavailable = 14,

    /// <summary>Data was lost or damaged beyond repair.</summary>
    DataLoss = 15,

    /// <summary>It is not known who calls.</summary>
    Unauthenticated = 16,
}
