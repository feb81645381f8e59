namespace Kestrel.Rpc.Invocation;

/// <summary>What a caller gets whose call no handler has seen: there was no room, no back end, or no handler for it. It may be made again.</summary>
public sealed class InvocationRejectedException : Exception
{
    /// <summary>With general words.</summary>
    public InvocationRejectedException()
        : base("The call was not handled.")
    {
    }

    /// <param name="message">Why nobody handled it.</param>
    public InvocationRejectedException(string message)
        : base(message)
    {
    }

    /// <param name="message">Why nobody handled it.</param>
    /// <param name="innerException">What was behind that.</param>
    public InvocationRejectedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
