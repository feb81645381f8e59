namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A bounded channel of calls inside a process: messages are handed over as they are, nothing is serialised. The server side holds
/// <see cref="Source"/>, the client side <see cref="Client"/>; both may be used by any number of threads.
/// </summary>
/// <remarks>The calls wait in a lock-free ring of fixed size. A call through it allocates nothing in the long run.</remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class InvocationChannel<TArg, TRet>
{
    /// <param name="options">Default: <see cref="InvocationChannelOptions"/> as they are.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is below 1 or above 2^30, or the spin time negative.</exception>
    public InvocationChannel(InvocationChannelOptions? options = null)
    {
        options ??= new InvocationChannelOptions();
        var queue = new InvocationQueue<TArg, TRet>(options.Capacity);
        Source = new InvocationChannelSource<TArg, TRet>(queue);
        Client = new InvocationChannelClient<TArg, TRet>(queue, options);
    }

    /// <summary>The sender.</summary>
    public InvocationChannelClient<TArg, TRet> Client { get; }

    /// <summary>The receiver.</summary>
    public InvocationChannelSource<TArg, TRet> Source { get; }
}
