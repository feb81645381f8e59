using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Joins a source and its handler to an event loop through an eventfd: to an <see cref="InvocationLoop"/>, or to any loop that watches descriptors.
/// The handler runs on the loop.
/// </summary>
/// <remarks>
/// A sender writes to the eventfd only where the loop may sleep, once, however many calls follow: while the loop is busy there is no system call
/// for a call. Owns its descriptor only, neither the source nor the handler nor the loop.
/// </remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class EventFdSource<TArg, TRet> : IReadySource, IDisposable
{
    private readonly IInvocationSource<TArg, TRet> _source;
    private readonly Dispatcher<TArg, TRet> _dispatcher;
    private readonly EventFd _event = new();
    private readonly Waiter _waiter;
    private IReadiness? _armedAt; // what the waiter was armed at last, unless it was taken back

    /// <param name="source">Where calls come from.</param>
    /// <param name="handler">Handles them on the loop's thread, and does not block it.</param>
    /// <param name="options">
    /// <see cref="InvocationServerOptions.MaxConcurrency"/> and <see cref="InvocationServerOptions.OnFault"/>; spinning is the loop's. Default: as they are.
    /// </param>
    /// <exception cref="System.ComponentModel.Win32Exception">The kernel has no descriptor.</exception>
    public EventFdSource(
        IInvocationSource<TArg, TRet> source, IInvocationHandler<TArg, TRet> handler, InvocationServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(handler);
        options ??= new InvocationServerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrency, 1, nameof(options));
        _source = source;
        _dispatcher = new Dispatcher<TArg, TRet>(handler, options.MaxConcurrency, options.OnFault);
        _waiter = new Waiter(_event);
    }

    /// <inheritdoc/>
    public SafeHandle Descriptor => _event.Handle;

    /// <summary>How often the descriptor was written to so far: each time is a system call.</summary>
    public long Signals => _event.Writes;

    /// <inheritdoc/>
    public void Init()
    {
        TakeBack();
        if (!TryArm())
        {
            _event.Raise();
        }
    }

    /// <inheritdoc/>
    public int OnReady(int budget)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(budget, 1);
        _event.Reset(); // before the look at the source: what comes after the look raises it again
        int handled = 0;
        do
        {
            handled += Poll(budget - handled);
            if (handled == budget)
            {
                _event.Raise(); // there may be more: the loop comes again when the others had their turn, also an edge-triggered one
                return handled;
            }
        }
        while (!TryArm());
        return handled;
    }

    /// <inheritdoc/>
    public int Poll(int budget)
    {
        TakeBack();
        int handled = 0;
        while (handled < budget && _dispatcher.HasRoom && _source.TryReceive(out Invocation<TArg, TRet> invocation))
        {
            handled++;
            _dispatcher.Start(in invocation);
        }

        return handled;
    }

    /// <summary>Closes the descriptor. After the source was taken out of its loop.</summary>
    public void Dispose()
    {
        TakeBack();
        _event.Dispose();
    }

    /// <summary>Has the descriptor raised when there is something; false if there is something now.</summary>
    private bool TryArm()
    {
        IReadiness awaited = _dispatcher.HasRoom ? _source : _dispatcher.Room;
        if (_dispatcher.HasRoom && _source.IsCompleted)
        {
            return true; // nothing will ever come
        }

        awaited.Arm(_waiter);
        _armedAt = awaited;
        if (!awaited.IsReady || (ReferenceEquals(awaited, _source) && _source.IsCompleted))
        {
            return true;
        }

        // Told in between: then the descriptor is readable already, and that is as good.
        bool isTold = !awaited.Disarm(_waiter);
        _armedAt = null;
        return isTold;
    }

    private void TakeBack()
    {
        if (_armedAt is not null)
        {
            _ = _armedAt.Disarm(_waiter);
            _armedAt = null;
        }
    }

    private sealed class Waiter(EventFd descriptor) : SourceWaiter
    {
        protected internal override void OnReady() => descriptor.Raise();
    }
}
