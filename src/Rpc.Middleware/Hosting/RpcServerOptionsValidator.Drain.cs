namespace Kestrel.Rpc.Middleware;

internal sealed partial class RpcServerOptionsValidator
{
    private static readonly TimeSpan LongestLinger = TimeSpan.FromHours(1);

    private static void CheckDrain(List<string> faults, RpcServerDrainOptions drain)
    {
        if (drain.Delay < TimeSpan.Zero || drain.Delay >= SniffTimer.Longest)
        {
            faults.Add($"RpcServerOptions.Drain.Delay is {drain.Delay}; it must be zero or more, and less than {SniffTimer.Longest}.");
        }

        if (drain.Timeout is { } timeout && (timeout <= TimeSpan.Zero || timeout >= SniffTimer.Longest))
        {
            faults.Add(
                $"RpcServerOptions.Drain.Timeout is {timeout}; it must be more than zero and less than {SniffTimer.Longest}, or null for the time of the host.");
        }

        if (drain.Linger < TimeSpan.Zero || drain.Linger > LongestLinger)
        {
            faults.Add($"RpcServerOptions.Drain.Linger is {drain.Linger}; it must be zero to {LongestLinger}.");
        }
    }
}
