namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A server: the messages of one source, and one root handler. Has no thread of its own: <see cref="Run"/> is a plain loop on the calling
/// thread, <see cref="RunAsync"/> one that keeps a thread of the pool only while there are calls. Either may be called several times at once;
/// every loop takes calls as it gets to them.
/// </summary>
/// <remarks>The server owns neither: when its loops end, source and handler are as usable as before.</remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class InvocationServer<TArg, TRet>
{
    private readonly IInvocationSource<TArg, TRet> _source;
    private readonly IInvocationHandler<TArg, TRet> _handler;
    private readonly TimeSpan _spinTime;
    private readonly int _maxConcurrency;
    private readonly Action<Exception>? _onFault;
    private readonly TimeProvider _timeProvider;

    /// <param name="source">Where calls come from; a <see cref="MergedSource{TArg, TRet}"/> for several.</param>
    /// <param name="handler">The root handler.</param>
    /// <param name="options">Default: <see cref="InvocationServerOptions"/> as they are.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InvocationServer(
        IInvocationSource<TArg, TRet> source, IInvocationHandler<TArg, TRet> handler, InvocationServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(handler);
        options ??= new InvocationServerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrency, 1, nameof(options));
        _source = source;
        _handler = handler;
        _spinTime = Spinner.Check(options.SpinTime, nameof(options));
        _maxConcurrency = options.MaxConcurrency;
        _onFault = options.OnFault;
        _timeProvider = options.TimeProvider;
    }

    /// <summary>
    /// Receives and handles on this thread until the source has ended and the handlers that this loop has started have ended too.
    /// </summary>
    /// <param name="cancellationToken">
    /// Ends the loop at once, after the handler that it is just in. Calls that wait stay in the source; asynchronous handlers that were started go
    /// on and reply.
    /// </param>
    public void Run(CancellationToken cancellationToken)
    {
        var dispatcher = new Dispatcher<TArg, TRet>(_handler, _maxConcurrency, _onFault);
        var spinner = new Spinner(_spinTime, _timeProvider);
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                if (!dispatcher.HasRoom)
                {
                    ThreadWaiter.Wait(dispatcher.Room, cancellationToken);
                }
                else if (_source.TryReceive(out Invocation<TArg, TRet> invocation))
                {
                    spinner.Found();
                    dispatcher.Start(in invocation);
                }
                else if (_source.IsCompleted)
                {
                    if (dispatcher.IsIdle)
                    {
                        return;
                    }

                    ThreadWaiter.Wait(dispatcher.Idle, cancellationToken);
                }
                else if (!spinner.LooksAgain())
                {
                    ThreadWaiter.Wait(_source, cancellationToken);
                    spinner.Found();
                    TakeOne(dispatcher);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The loop was to end, and it waited: so it ends.
        }
    }

    /// <summary>As <see cref="Run"/>, without a thread while there is nothing to do.</summary>
    /// <param name="cancellationToken">As for <see cref="Run"/>.</param>
    /// <returns>Ends with the loop; not cancelled when the token is.</returns>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var dispatcher = new Dispatcher<TArg, TRet>(_handler, _maxConcurrency, _onFault);
        var spinner = new Spinner(_spinTime, _timeProvider);
        try
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                if (!dispatcher.HasRoom)
                {
                    await AsyncWaiter.WaitAsync(dispatcher.Room, cancellationToken).ConfigureAwait(false);
                }
                else if (_source.TryReceive(out Invocation<TArg, TRet> invocation))
                {
                    spinner.Found();
                    dispatcher.Start(in invocation);
                }
                else if (_source.IsCompleted)
                {
                    if (dispatcher.IsIdle)
                    {
                        return;
                    }

                    await AsyncWaiter.WaitAsync(dispatcher.Idle, cancellationToken).ConfigureAwait(false);
                }
                else if (!spinner.LooksAgain())
                {
                    await AsyncWaiter.WaitAsync(_source, cancellationToken).ConfigureAwait(false);
                    spinner.Found();
                    TakeOne(dispatcher);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // As above.
        }
    }

    // Who was told that there is a call looks for it before anything else, also before it ends: nobody else was told.
    private void TakeOne(Dispatcher<TArg, TRet> dispatcher)
    {
        if (_source.TryReceive(out Invocation<TArg, TRet> invocation))
        {
            dispatcher.Start(in invocation);
        }
    }
}
