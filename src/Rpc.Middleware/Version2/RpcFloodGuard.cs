using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Counts what a peer sends that is of no use, in seconds of the server's clock. Of the read loop alone. Nothing of it is paid for calls
/// that go well.
/// </summary>
internal sealed class RpcFloodGuard(RpcFloodOptions options, TimeProvider time)
{
    // Less is not worth a piece of a reply: see RpcReplyCredit.
    private const int SmallGrant = 4 * 1024;

    private long _since;
    private int _pings;
    private int _cancels;
    private int _smallGrants;
    private int _strays;
    private int _refused;

    /// <summary>What there was too much of; null as long as that is nothing.</summary>
    public string? Excess { get; private set; }

    public void OnPing(long now) => Count(ref _pings, options.MaxPings, now, "PING, PONG or GOAWAY frames");

    public void OnCancel(long now) => Count(ref _cancels, options.MaxCancels, now, "calls that were cancelled");

    public void OnGrant(int bytes, long now)
    {
        if (bytes < SmallGrant)
        {
            Count(ref _smallGrants, options.MaxSmallGrants, now, "CREDIT frames for a few bytes");
        }
    }

    public void OnStray(long now) => Count(ref _strays, options.MaxStrayFrames, now, "frames for calls that are not under way");

    public void OnRefused(long now) => Count(ref _refused, options.MaxRefusedCalls, now, "requests that had to be refused");

    private void StartSecond(long now)
    {
        if (time.GetElapsedTime(_since, now) >= TimeSpan.FromSeconds(1))
        {
            _since = now;
            _pings = _cancels = _smallGrants = _strays = _refused = 0;
        }
    }

    private void Count(ref int count, int most, long now, string what)
    {
        StartSecond(now);
        if (++count > most && most != int.MaxValue)
        {
            Excess ??= $"More than {most} {what} within a second.";
        }
    }
}
