namespace Kestrel.Rpc.Client;

/// <remarks>The call that this one is made for.</remarks>
internal abstract partial class PendingCall
{
    // Timers are that exact, more or less: a parent that is cancelled so shortly before its time is over has run out of time.
    private static readonly TimeSpan TimerAccuracy = TimeSpan.FromMilliseconds(5);

    private CancellationTokenRegistration _parentRegistration;

    private void RegisterAtParent() =>
        _parentRegistration = _options.ParentCancellation.UnsafeRegister(static state => ((PendingCall)state!).EndWithParent(), this);

    private void EndWithParent()
    {
        if (!HasDeadline || TimeLeft(Session.Clock) > TimerAccuracy)
        {
            Cancel();
        }
        else if (Session.Calls.Remove(this))
        {
            Fail(DeadlineExceeded());
        }
    }
}
