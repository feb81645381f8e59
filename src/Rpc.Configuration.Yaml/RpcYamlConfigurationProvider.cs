using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Configuration.Yaml;

internal sealed class RpcYamlConfigurationProvider(RpcYamlConfigurationSource source) : FileConfigurationProvider(source)
{
    public override void Load(Stream stream)
    {
        using StreamReader reader = new(stream);
        Data = YamlKeys.Read(reader);
    }
}
