using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Configuration.Yaml;

internal sealed class RpcYamlConfigurationSource : FileConfigurationSource
{
    public override IConfigurationProvider Build(IConfigurationBuilder builder)
    {
        EnsureDefaults(builder);
        return new RpcYamlConfigurationProvider(this);
    }
}
