using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Configuration that a test changes while the host runs.</summary>
internal sealed class ChangingSource : ConfigurationProvider, IConfigurationSource
{
    public IDictionary<string, string?> Values => Data;

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>Changes a key and tells the host, which has acted when this returns. Null removes it.</summary>
    public void Change(string key, string? value)
    {
        if (value is null)
        {
            Data.Remove(key);
        }
        else
        {
            Data[key] = value;
        }

        OnReload();
    }
}
