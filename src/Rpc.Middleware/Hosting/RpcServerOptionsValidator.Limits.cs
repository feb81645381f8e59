using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Limits on calls and connections.</content>
internal sealed partial class RpcServerOptionsValidator
{
    private static readonly TimeSpan LeastRemeasureInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostRemeasureInterval = TimeSpan.FromHours(1);

    /// <summary>Checks a bound on calls.</summary>
    /// <param name="faults">Where what is wrong is added.</param>
    /// <param name="key">What it is called.</param>
    /// <param name="options">The bound.</param>
    public static void CheckConcurrency(List<string> faults, string key, RpcConcurrencyOptions options)
    {
        if (options.MaxConcurrentCalls is { } most)
        {
            CheckNumber(faults, $"{key}.MaxConcurrentCalls", most);
        }

        if (!Enum.IsDefined(options.AtLimit))
        {
            faults.Add($"{key}.AtLimit is {options.AtLimit}; it must be Reject, Wait or RunInPlace.");
        }

        CheckNumber(faults, $"{key}.MaxWaitingCalls", options.MaxWaitingCalls);
        if (options.Adaptive is not { } adaptive)
        {
            return;
        }

        CheckNumber(faults, $"{key}.Adaptive.InitialLimit", adaptive.InitialLimit);
        CheckNumber(faults, $"{key}.Adaptive.MinLimit", adaptive.MinLimit);
        if (adaptive.RemeasureInterval < LeastRemeasureInterval || adaptive.RemeasureInterval > MostRemeasureInterval)
        {
            faults.Add($"{key}.Adaptive.RemeasureInterval is {adaptive.RemeasureInterval}; it must be {LeastRemeasureInterval} to {MostRemeasureInterval}.");
        }
    }

    private static void CheckTimes(List<string> faults, RpcServerConnectionOptions options)
    {
        CheckTime(faults, "IdleTimeout", options.IdleTimeout);
        CheckTime(faults, "SendTimeout", options.SendTimeout);
    }

    private static void CheckTime(List<string> faults, string key, TimeSpan value)
    {
        if (value <= TimeSpan.Zero && value != Timeout.InfiniteTimeSpan)
        {
            faults.Add($"RpcServerOptions.Connections.{key} is {value}; it must be more than zero, or Timeout.InfiniteTimeSpan.");
        }
    }

    private static void CheckLimits(List<string> faults, RpcServerLimits limits)
    {
        CheckConcurrency(faults, "RpcServerOptions.Limits.Calls", limits.Calls);
        CheckConcurrency(faults, "RpcServerOptions.Limits.CallsPerConnection", limits.CallsPerConnection);
        if (limits.CallsPerConnection.Adaptive is not null)
        {
            faults.Add("RpcServerOptions.Limits.CallsPerConnection.Adaptive is set; the bound of a connection must be fixed.");
        }

        CheckNumber(faults, "RpcServerOptions.Limits.MaxStreamsPerConnection", limits.MaxStreamsPerConnection);
        if (limits.MaxConnections is { } connections)
        {
            CheckNumber(faults, "RpcServerOptions.Limits.MaxConnections", connections);
        }

        if (limits.PriorityKey is { } key && !IsTextKey(key))
        {
            faults.Add($"RpcServerOptions.Limits.PriorityKey is '{RpcNames.ForLog(key)}'; it must be a key of text metadata, or null.");
        }
    }

    private static void CheckNumber(List<string> faults, string key, int value)
    {
        if (value is < 1 or > MostConcurrentCalls)
        {
            faults.Add($"{key} is {value}; it must be 1 to {MostConcurrentCalls}.");
        }
    }
}
