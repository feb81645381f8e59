namespace Kestrel.Rpc.Client;

/// <remarks>The call that this one is made for.</remarks>
internal abstract partial class PendingCall
{
    private CancellationTokenRegistration _parentRegistration;

    private void RegisterAtParent() =>
        _parentRegistration = _options.ParentCancellation.UnsafeRegister(static state => ((PendingCall)state!).EndWithParent(), this);

    private void EndWithParent()
    {
        // The parent knows why it was cancelled; its caller's clock may have been ahead of the timer here.
        if (_options.Parent!.TimeLeft is not { } left || left > TimeSpan.Zero)
        {
            Cancel();
        }
        else if (Session.Calls.Remove(this))
        {
            Fail(DeadlineExceeded());
        }
    }
}
