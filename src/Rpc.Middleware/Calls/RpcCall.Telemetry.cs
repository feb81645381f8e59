using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware;

/// <content>What those see of a call who watch the server. A call that nobody watches costs a look at a field, three times.</content>
internal sealed partial class RpcCall
{
    private bool _isObserved; // somebody watched when it was read
    private RpcObservedCall? _observed; // from the first call on that was watched

    public override bool HasRequest => _request is not null;

    private RpcCallObserver Observer => _owner.Server.Observer;

    /// <summary>Notes where the call leads, for those who watch, before it is dispatched: it may be refused.</summary>
    public void NoteRoute(RpcRoute? route) => _route = route;

    public override void NoteException(Exception exception)
    {
        if (_observed?.Activity is { IsAllDataRequested: true } activity)
        {
            activity.AddException(exception);
        }
    }

    private void ObserveDispatched(in ReadOnlySequence<byte> body) => Observer.OnDispatched(_observed ??= new RpcObservedCall(), _route!.Endpoint, body);

    private void ObserveStreams()
    {
        RpcObservedCall observed = _observed!;
        Version2!.Stream!.Meter = observed.Streams = new RpcStreamMeter(Observer, observed.Method);
    }

    private ValueTask RunObserved(RpcDelegate pipeline)
    {
        _observed!.HasBegun = true;
        Observer.OnRunning(_observed!, ReceivedAt);
        return CreateActivity() is { } activity ? RunTracedAsync(pipeline, activity) : pipeline(this);
    }

    private Activity? CreateActivity()
    {
        try
        {
            return _observed!.Activity = Observer.Tracing.IsOn ? Observer.Tracing.Create(this, _observed.Method, _owner) : null;
        }
        catch (Exception exception)
        {
            // A sampler, or the application's propagator.
            Observer.OnFailed(exception);
            return null;
        }
    }

    // A call that never came to its pipeline has its activity nevertheless, made when it ends: whoever looks for a trace finds why it ends here.
    private Activity? CreateActivityOfRefused(RpcObservedCall observed)
    {
        try
        {
            return Observer.Tracing.CreateRefused(this, observed.Method, _owner);
        }
        catch (Exception exception)
        {
            // As above, or a listener.
            Observer.OnFailed(exception);
            return null;
        }
    }

    // As an async method it leaves its caller's current activity as it was.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask RunTracedAsync(RpcDelegate pipeline, Activity activity)
    {
        try
        {
            Observer.Tracing.Start(activity, ReceivedAt);
        }
        catch (Exception exception)
        {
            // A listener.
            Observer.OnFailed(exception);
        }

        await pipeline(this).ConfigureAwait(false);
    }

    private void ObserveEnd(bool isWritten)
    {
        RpcObservedCall observed = _observed ??= new RpcObservedCall();
        if (!observed.IsDispatched && (_route ?? Version2?.Route) is { } route)
        {
            observed.Method = route.Endpoint.Tags;
        }

        if (!observed.HasBegun && Observer.Tracing.IsOn)
        {
            observed.Activity = CreateActivityOfRefused(observed);
        }

        Observer.OnEnded(this, observed, isWritten);
        observed.Reset();
        _isObserved = false;
    }
}
