using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>Names the key, the value and the range of every option that is out of range.</summary>
internal sealed partial class RpcServerOptionsValidator : IValidateOptions<RpcServerOptions>
{
    private const int MostConcurrentCalls = 1_000_000;
    private const int MostThreads = 1_024;

    public ValidateOptionsResult Validate(string? name, RpcServerOptions options)
    {
        List<string> faults = [];
        if (!Enum.IsDefined(options.Scheduling))
        {
            faults.Add($"RpcServerOptions.Scheduling is {options.Scheduling}; it must be ThreadPool, Inline or Dedicated.");
        }

        if (!Enum.IsDefined(options.ReplyCompression))
        {
            faults.Add($"RpcServerOptions.ReplyCompression is {options.ReplyCompression}; it must be None, Gzip, Brotli or Snappy.");
        }

        CheckRange(faults, "Limits.MaxProtocolDataLength", options.Limits.MaxProtocolDataLength, 0, RpcFrameLimits.Largest);
        CheckRange(faults, "Limits.MaxBodyLength", options.Limits.MaxBodyLength, 0, RpcFrameLimits.Largest);
        CheckRange(
            faults, "Limits.MaxConcurrentCallsPerConnection", options.Limits.MaxConcurrentCallsPerConnection, 1, MostConcurrentCalls);

        CheckRange(faults, "Dedicated.ThreadCount", options.Dedicated.ThreadCount, 1, MostThreads);
        CheckRange(faults, "Dedicated.MaxWaitingCalls", options.Dedicated.MaxWaitingCalls, 1, MostConcurrentCalls);
        if (options.Connections.SniffTimeout is { } timeout && timeout <= TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
        {
            faults.Add(
                $"RpcServerOptions.Connections.SniffTimeout is {timeout}; it must be more than zero, "
                + "Timeout.InfiniteTimeSpan, or null for Kestrel's Limits.RequestHeadersTimeout.");
        }

        if (options.Connections.AuthenticationTimeout <= TimeSpan.Zero || options.Connections.AuthenticationTimeout > SniffTimer.Longest)
        {
            faults.Add(
                $"RpcServerOptions.Connections.AuthenticationTimeout is {options.Connections.AuthenticationTimeout}; it must be more than zero, "
                + $"and {SniffTimer.Longest} at most.");
        }

        CheckSecurity(faults, options);
        CheckLimits(faults, options.Limits);
        CheckTimes(faults, options.Connections);
        CheckDrain(faults, options.Drain);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }

    private static void CheckRange(List<string> faults, string key, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            faults.Add($"RpcServerOptions.{key} is {value}; it must be {least} to {most}.");
        }
    }
}
