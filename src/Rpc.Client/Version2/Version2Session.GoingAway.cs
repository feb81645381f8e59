using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What the server says of the connection itself. On the read loop, but for what says otherwise.</remarks>
internal sealed partial class Version2Session
{
    // For a log: no more of a sentence than we would send.
    private const int LongestMessage = RpcControlFrame.MaxGoAwayMessageLength;

    private bool OnSettings(RpcSettings settings)
    {
        _peer = settings;
        _hasPeerSettings = true;
        PendingCall[] calls = Calls.HoldAll();
        try
        {
            return Flow.TryApply(settings, calls) || Violation(RpcGoAwayCode.FlowControlError, "More credit than there can be.");
        }
        finally
        {
            foreach (PendingCall call in calls)
            {
                call.Release();
            }

            _admission.Limit(settings.MaxConcurrentCalls);
        }
    }

    private bool OnGoAway(RpcGoAwayCode code, ReadOnlySpan<byte> message)
    {
        string text = System.Text.Encoding.UTF8.GetString(message[..Math.Min(message.Length, LongestMessage)]);
        if (code != RpcGoAwayCode.Shutdown)
        {
            Owner.Fail(RpcErrorCode.Connection, $"The server ended the connection ({code}): {text}", null, CloseManner.Reset);
            return false;
        }

        Log.GoingAway(Owner.Logger, Owner.Id, text);
        _isGoingAway = true;
        Owner.OnGoingAway();
        CloseIfDone();
        return true;
    }

    // On a timer's thread.
    private void OnSilence()
    {
        _control.GoAway(RpcGoAwayCode.KeepAliveTimeout, "No answer to a PING.");
        Owner.Fail(RpcErrorCode.Network, "The server did not answer a PING in time.", null, CloseManner.LastWords);
    }

    // Any thread. The server may close first; whoever is later finds it done.
    private void CloseIfDone()
    {
        if (Calls.Count == 0)
        {
            Owner.Fail(RpcErrorCode.Connection, "The server takes no new calls, and the last one has ended.", null, CloseManner.WhenIdle);
        }
    }
}
