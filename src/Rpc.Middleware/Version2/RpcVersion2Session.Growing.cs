namespace Kestrel.Rpc.Middleware;

/// <content>
/// Requests that grow when they are decompressed. Each is bounded by the longest message, but what a peer sends as a few kilobytes each could
/// take that for every call under way: so all of them together are bounded, too.
/// </content>
internal sealed partial class RpcVersion2Session
{
    /// <summary>What a caller is told whose request is one too many.</summary>
    public const string GrowsTooMuch = "The requests of this connection grow too much when they are decompressed.";

    // As much as each call of an honest peer has a right to.
    private const int GrowthOfACall = 64 * 1024;

    private long _grown; // of calls under way; any thread

    private long MostGrown => Math.Max((long)LongestMessagesAtOnce * _maxMessageLength, (long)_maxConcurrentCalls * GrowthOfACall);

    /// <summary>Counts what a call's request has grown no more. Any thread.</summary>
    public void StopGrowing(long bytes) => Interlocked.Add(ref _grown, -bytes);

    /// <summary>Counts what a request has grown by. Any thread.</summary>
    /// <returns>False if it is too much; then it does not count.</returns>
    public bool TryGrow(long bytes)
    {
        if (bytes <= 0)
        {
            return true;
        }

        if (Interlocked.Add(ref _grown, bytes) <= MostGrown)
        {
            return true;
        }

        StopGrowing(bytes);
        return false;
    }
}
