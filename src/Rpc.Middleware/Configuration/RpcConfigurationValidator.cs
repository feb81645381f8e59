using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>Names what is wrong below <c>Rpc:Server</c> beside the values of options, which have a validator of their own.</summary>
internal sealed class RpcConfigurationValidator(IConfiguration configuration) : IValidateOptions<RpcServerOptions>
{
    public ValidateOptionsResult Validate(string? name, RpcServerOptions options)
    {
        List<string> faults = [];
        RpcServerKeys.AddFaults(faults, configuration);
        faults.AddRange(RpcServicePlacement.Read(configuration).Faults);
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);
    }
}
