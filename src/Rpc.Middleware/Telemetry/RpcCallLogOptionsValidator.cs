using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>Names what is out of range in <see cref="RpcServerOptions.CallLog"/>.</summary>
internal sealed class RpcCallLogOptionsValidator : IValidateOptions<RpcServerOptions>
{
    private const int MostPerSecond = 10_000;

    public ValidateOptionsResult Validate(string? name, RpcServerOptions options)
    {
        List<string> faults = [];
        RpcCallLogOptions log = options.CallLog;
        if (log.SlowerThan < TimeSpan.Zero)
        {
            faults.Add($"RpcServerOptions.CallLog.SlowerThan is {log.SlowerThan}; it must be zero or more, or null for no log of slow calls.");
        }

        if (log.MaxPerSecond is < 1 or > MostPerSecond)
        {
            faults.Add($"RpcServerOptions.CallLog.MaxPerSecond is {log.MaxPerSecond}; it must be 1 to {MostPerSecond}.");
        }

        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
