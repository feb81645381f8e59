namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Where calls come from. A source neither knows a handler nor owns a thread or an event loop: somebody receives from it (a
/// <see cref="InvocationServer{TArg, TRet}"/>, a <see cref="MergedSource{TArg, TRet}"/>, an <see cref="InvocationLoop"/>, or the program itself with
/// the methods of <see cref="InvocationSourceExtensions"/>). Any number of threads may receive at once, each call goes to one of them.
/// </summary>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public interface IInvocationSource<TArg, TRet> : IReadiness
{
    /// <summary>Whether the source has ended and nothing is left to receive.</summary>
    bool IsCompleted { get; }

    /// <summary>Takes a call if there is one; never waits.</summary>
    /// <param name="invocation">The call. Who takes it sees to a reply.</param>
    /// <returns>False: there is none now.</returns>
    bool TryReceive(out Invocation<TArg, TRet> invocation);
}
