namespace Kestrel.Rpc.Invocation;

/// <summary>
/// What a caller gets whose call nobody will answer: the handler ended without a reply and without <see cref="Invocation{TArg, TRet}.Defer"/>,
/// a <see cref="DeferredReply{TRet}"/> was disposed or became garbage, or the receiving side went away before it took the call.
/// </summary>
public sealed class InvocationDroppedException : Exception
{
    /// <summary>With the words for a handler that ended.</summary>
    public InvocationDroppedException()
        : base("The handler ended without a reply.")
    {
    }

    /// <param name="message">What happened to the call.</param>
    public InvocationDroppedException(string message)
        : base(message)
    {
    }

    /// <param name="message">What happened to the call.</param>
    /// <param name="innerException">Why.</param>
    public InvocationDroppedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
