using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Middleware;

/// <summary>The keys that may stand below <c>Rpc:Server</c>: the options, by their names, and the services.</summary>
internal static class RpcServerKeys
{
    public const string Section = "Rpc:Server";

    /// <summary>What may stand in each section; the outermost has no name. A test compares it with the options.</summary>
    internal static IReadOnlyDictionary<string, string[]> Sections { get; } = new Dictionary<string, string[]>(StringComparer.OrdinalIgnoreCase)
    {
        [""] = [.. NamesOf<RpcServerOptions>(), "Service"],
        [nameof(RpcServerOptions.Limits)] = NamesOf<RpcServerLimits>(),
        ["Limits:Calls"] = NamesOf<RpcConcurrencyOptions>(),
        ["Limits:CallsPerConnection"] = NamesOf<RpcConcurrencyOptions>(),
        ["Limits:CallsPerConnection:Adaptive"] = NamesOf<RpcAdaptiveConcurrencyOptions>(),
        ["Limits:Calls:Adaptive"] = NamesOf<RpcAdaptiveConcurrencyOptions>(),
        [nameof(RpcServerOptions.Authentication)] = NamesOf<RpcAuthenticationOptions>(),
        [nameof(RpcServerOptions.Floods)] = NamesOf<RpcFloodOptions>(),
        [nameof(RpcServerOptions.Dedicated)] = NamesOf<RpcDedicatedOptions>(),
        [nameof(RpcServerOptions.Connections)] = NamesOf<RpcServerConnectionOptions>(),
        [nameof(RpcServerOptions.Drain)] = NamesOf<RpcServerDrainOptions>(),
        [nameof(RpcServerOptions.CallLog)] = NamesOf<RpcCallLogOptions>(),
    };

    /// <summary>Names every key below <c>Rpc:Server</c> that means nothing.</summary>
    public static void AddUnknown(List<string> faults, IConfiguration configuration)
    {
        IConfigurationSection server = configuration.GetSection(Section);
        foreach ((string section, string[] names) in Sections)
        {
            AddUnknown(faults, section.Length == 0 ? server : server.GetSection(section), names);
        }
    }

    /// <summary>Names every key of a section that is none of these.</summary>
    public static void AddUnknown(List<string> faults, IConfigurationSection section, string[] names)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!names.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                faults.Add($"{child.Path} means nothing to the RPC server.{NearMiss.Suggest(child.Key, names)}");
            }
        }
    }

    private static string[] NamesOf<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions>() =>
        [.. typeof(TOptions).GetProperties().Select(property => property.Name)];
}
