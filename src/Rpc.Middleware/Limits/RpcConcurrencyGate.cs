using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>A bound on calls that run at once, fixed or adaptive. Entering and leaving take no lock while nobody waits. Any thread.</summary>
/// <remarks>
/// Not a <see cref="System.Threading.RateLimiting.ConcurrencyLimiter"/>: that one allocates a lease for each call, and knows neither priorities, deadlines nor a bound that moves.
/// </remarks>
internal sealed partial class RpcConcurrencyGate : RpcGate
{
    // A low priority may use three of four places, so that what it leaves is there for the others before they have to be refused.
    private const int ShareOfLow = 3;
    private const int Shares = 4;

    // The averages move by an eighth with each call: after some ten calls they say what is, not what was.
    private const int Smoothing = 8;

    private static readonly RpcFault TooManyWait = Refusal(RpcStatusCode.ResourceExhausted, "Too many calls run, and too many wait.");
    private static readonly RpcFault TooLittleTime = Refusal(RpcStatusCode.ResourceExhausted, "The server is too busy to answer within the time that is left for the call.") with { Rejection = RpcRejection.Overload };

    private readonly int _most;
    private readonly RpcLimitPolicy _policy;
    private readonly RpcCallPriorities _priorities;
    private readonly TimeProvider _time;
    private readonly RpcAdaptiveLimit? _adaptive;
    private readonly bool _isTimed;
    private readonly RpcGateKind _kind;
    private int _running;
    private long _latency; // how long calls have a place, on average, as timestamps; 0: not known

    /// <param name="options">The bound.</param>
    /// <param name="priorities">Reads the priority of a call.</param>
    /// <param name="time">The clock.</param>
    /// <param name="kind">Whose bound it is.</param>
    public RpcConcurrencyGate(RpcConcurrencyOptions options, RpcCallPriorities priorities, TimeProvider time, RpcGateKind kind)
    {
        _most = options.MaxConcurrentCalls ?? int.MaxValue;
        _policy = options.AtLimit;
        _priorities = priorities;
        _time = time;
        _adaptive = options.Adaptive is null ? null : new RpcAdaptiveLimit(options.Adaptive, _most, time);
        _kind = kind;
        _isTimed = _adaptive is not null || _policy == RpcLimitPolicy.Wait;
        _queue = new RpcCallLine(options.MaxWaitingCalls);
    }

    /// <summary>Why a call is refused at the bound.</summary>
    public static RpcFault TooMany { get; } = Refusal(RpcStatusCode.ResourceExhausted, "Too many calls run.");

    /// <summary>Why a call is refused that was cancelled while it waited.</summary>
    public static RpcFault Cancelled { get; } = Refusal(RpcStatusCode.Cancelled, "The call was cancelled before its turn came.");

    /// <summary>Why a call is refused whose time is over.</summary>
    public static RpcFault Late { get; } = Refusal(RpcStatusCode.DeadlineExceeded, "The time for the call was over when its turn came.");

    /// <summary>Why a call is refused that ended before its turn came.</summary>
    public static RpcFault Because(RpcStatusCode? reason) => reason switch
    {
        RpcStatusCode.DeadlineExceeded => Late,
        RpcStatusCode.Unavailable => RpcServerConnection.StoppingFault(),
        _ => Cancelled,
    };

    /// <summary>Calls that were let in and have not ended.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>How many may run.</summary>
    public int Limit => _adaptive?.Current ?? _most;

    /// <summary>What finds the bound; null if it is fixed.</summary>
    public RpcAdaptiveLimit? Adaptive => _adaptive;

    /// <summary>How long calls have a place, on average; zero if it is not known.</summary>
    public TimeSpan AverageLatency => TimeSpan.FromSeconds((double)Volatile.Read(ref _latency) / _time.TimestampFrequency);

    public override RpcGateAnswer TryEnter(RpcServedCall call)
    {
        RpcCallPriority priority = _priorities.Of(call);
        call.Priority = priority;
        int waiting = Volatile.Read(ref _waiting);
        if (call.TimeLeft is { } left && FindFault(left, waiting, priority) is { } fault)
        {
            call.Fault = fault;
            return RpcGateAnswer.Refused;
        }

        if (waiting == 0 && TryTake(priority))
        {
            OnPlaceTaken(call);
            return RpcGateAnswer.Entered;
        }

        switch (_policy)
        {
            case RpcLimitPolicy.Wait when _queue.HasRoomFor(priority):
                return RpcGateAnswer.Wait;
            case RpcLimitPolicy.RunInPlace:
                return RpcGateAnswer.InPlace;
            default:
                call.Fault = _policy == RpcLimitPolicy.Wait ? TooManyWait : TooMany;
                return RpcGateAnswer.Refused;
        }
    }

    public override void Leave(RpcServedCall call)
    {
        if (_isTimed)
        {
            Measure(call);
        }

        Interlocked.Decrement(ref _running); // a full fence: whoever begins to wait sees the place, or this sees it wait
        if (Volatile.Read(ref _waiting) != 0)
        {
            LetIn();
        }
    }

    private static RpcFault Refusal(RpcStatusCode code, string message) =>
        RpcFault.Of(code, message) with { IsNotProcessed = true, Rejection = code == RpcStatusCode.ResourceExhausted ? RpcRejection.CallLimit : RpcRejection.ByStatus };

    private bool TryTake(RpcCallPriority priority)
    {
        int bound = Limit;
        if (priority == RpcCallPriority.Low)
        {
            bound = Math.Max(1, (int)((long)bound * ShareOfLow / Shares));
        }

        int running = Volatile.Read(ref _running);
        while (running < bound)
        {
            int before = Interlocked.CompareExchange(ref _running, running + 1, running);
            if (before == running)
            {
                return true;
            }

            running = before;
        }

        return false;
    }

    // With it the call may still wait at other gates.
    private void OnPlaceTaken(RpcServedCall call) => call.HasPlacesSince[(int)_kind] = call.WaitedUntil;

    // A call that cannot be answered in time would only take the time of others.
    private RpcFault? FindFault(TimeSpan left, int waiting, RpcCallPriority priority)
    {
        if (left <= TimeSpan.Zero)
        {
            return Late;
        }

        if (!_isTimed || waiting == 0)
        {
            // While nobody waits it runs, whatever calls took before: else a server that was slow once would never learn that it is not any more.
            return null;
        }

        // One ends every (latency / running); as many have to end as wait ahead of this call, and one for itself.
        double needed = (_adaptive?.Shortest ?? 0) + ((double)Volatile.Read(ref _latency) * (_queue.CountAhead(priority) + 1) / Limit);
        return needed / _time.TimestampFrequency > left.TotalSeconds ? TooLittleTime : null;
    }

    // Lost updates of two threads at once do not matter.
    private void Measure(RpcServedCall call)
    {
        long now = _time.GetTimestamp();
        long latency = Math.Max(0, now - call.HasPlacesSince[(int)_kind]);
        long average = Volatile.Read(ref _latency);
        Volatile.Write(ref _latency, average == 0 ? latency : average + ((latency - average) / Smoothing));

        // What it has waited for at other gates says nothing of how many may run here.
        _adaptive?.OnEnded(now, Math.Max(0, now - call.WaitedUntil), call.Fault?.Status.Code, Running);
    }
}
