namespace Kestrel.Rpc.Protocol;

/// <summary>Why the frame header of a version-2 frame was not accepted. Each is a protocol error: the connection ends.</summary>
public enum RpcHeaderError
{
    /// <summary>There is no error.</summary>
    None = 0,

    /// <summary>The header ends inside a number or a value, or a number has more than 64 bits.</summary>
    Malformed = 1,

    /// <summary>A flag that is not known, or that frames of this type do not have.</summary>
    UnknownFlag = 2,

    /// <summary>Flags, fields and body say things that exclude each other.</summary>
    Contradiction = 3,

    /// <summary>The name of a method is empty or longer than <see cref="RpcMethodReference.MaxNameLength"/>.</summary>
    BadMethodName = 4,

    /// <summary>A method is referred to by an index that was never defined.</summary>
    UnknownMethodIndex = 5,

    /// <summary>A method is defined under an index that is over the limit or defined already.</summary>
    BadMethodIndex = 6,

    /// <summary>A field that may stand once stands twice.</summary>
    DuplicateField = 7,

    /// <summary>A known field in a frame that cannot have it.</summary>
    MisplacedField = 8,

    /// <summary>A known field has a number where it has bytes, or the reverse.</summary>
    WrongFieldKind = 9,

    /// <summary>A number is outside what its field allows.</summary>
    OutOfRange = 10,

    /// <summary>The attachment is longer than the whole message.</summary>
    AttachmentTooLong = 11,

    /// <summary>The first piece of a cut message does not say how long the message is, or says less than there is.</summary>
    BadMessageLength = 12,

    /// <summary>Bytes follow where the header should be at its end.</summary>
    TrailingBytes = 13,
}
