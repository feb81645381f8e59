namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Thrown by a back end of a <see cref="FanOut{TArg, TRet}"/> that cannot go on and has not handled the call that it was given: another one
/// gets it, and those that wait for the dead one.
/// </summary>
public sealed class BackEndDownException : Exception
{
    /// <summary>With general words.</summary>
    public BackEndDownException()
        : base("The back end is down.")
    {
    }

    /// <param name="message">Why it cannot go on.</param>
    public BackEndDownException(string message)
        : base(message)
    {
    }

    /// <param name="message">Why it cannot go on.</param>
    /// <param name="innerException">What was behind that.</param>
    public BackEndDownException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
