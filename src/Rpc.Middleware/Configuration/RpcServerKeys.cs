using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Kestrel.Rpc.Middleware;

/// <summary>The keys that may stand below <c>Rpc:Server</c>: the options, by their names, and the services.</summary>
internal static class RpcServerKeys
{
    public const string Section = "Rpc:Server";

    /// <summary>The section of the one option that the binder cannot fill: its type has no setters.</summary>
    public const string DataRate = "Connections:MinRequestDataRate";

    /// <summary>Known, so that whoever writes it is told why it is refused.</summary>
    public const string AdaptivePerConnection = "Limits:CallsPerConnection:Adaptive";

    private const string Services = "Service";

    /// <summary>What may stand in each section; the outermost has no name. A test compares it with the options.</summary>
    internal static IReadOnlyDictionary<string, string[]> Sections { get; } = new Dictionary<string, string[]>(StringComparer.OrdinalIgnoreCase)
    {
        [""] = [.. NamesOf<RpcServerOptions>(), Services],
        [nameof(RpcServerOptions.Limits)] = NamesOf<RpcServerLimits>(),
        ["Limits:Calls"] = NamesOf<RpcConcurrencyOptions>(),
        ["Limits:CallsPerConnection"] = NamesOf<RpcConcurrencyOptions>(),
        [AdaptivePerConnection] = NamesOf<RpcAdaptiveConcurrencyOptions>(),
        ["Limits:Calls:Adaptive"] = NamesOf<RpcAdaptiveConcurrencyOptions>(),
        [nameof(RpcServerOptions.Authentication)] = NamesOf<RpcAuthenticationOptions>(),
        [nameof(RpcServerOptions.Floods)] = NamesOf<RpcFloodOptions>(),
        [nameof(RpcServerOptions.Dedicated)] = NamesOf<RpcDedicatedOptions>(),
        [nameof(RpcServerOptions.Connections)] = NamesOf<RpcServerConnectionOptions>(),
        [DataRate] = NamesOf<MinDataRate>(),
        [nameof(RpcServerOptions.Drain)] = NamesOf<RpcServerDrainOptions>(),
        [nameof(RpcServerOptions.CallLog)] = NamesOf<RpcCallLogOptions>(),
    };

    /// <summary>Names every key below <c>Rpc:Server</c> that means nothing, values where a section belongs, and the other way round.</summary>
    public static void AddFaults(List<string> faults, IConfiguration configuration)
    {
        IConfigurationSection server = configuration.GetSection(Section);
        foreach ((string path, string[] names) in Sections)
        {
            IConfigurationSection section = path.Length == 0 ? server : server.GetSection(path);
            if (!string.IsNullOrEmpty(section.Value))
            {
                faults.Add($"{section.Path} is '{RpcNames.ForLog(section.Value)}'; it must be a section, with keys such as {section.Path}:{names[0]}.");
            }

            AddUnknown(faults, section, names);
            faults.AddRange(section.GetChildren()
                .Where(child => names.Contains(child.Key, StringComparer.OrdinalIgnoreCase) && !IsSection(path, child.Key) && child.GetChildren().Any())
                .Select(child => $"{child.Path} must be one value, and there are keys below it: {RpcNames.ForLog(child.GetChildren().First().Path)}."));
        }
    }

    /// <summary>Names every key of a section that is none of these.</summary>
    public static void AddUnknown(List<string> faults, IConfigurationSection section, string[] names)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (!names.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                faults.Add($"{RpcNames.ForLog(child.Path)} means nothing to the RPC server.{NearMiss.Suggest(child.Key, names)}");
            }
        }
    }

    private static bool IsSection(string path, string key) =>
        Sections.ContainsKey(path.Length == 0 ? key : ConfigurationPath.Combine(path, key)) || (path.Length == 0 && key.Equals(Services, StringComparison.OrdinalIgnoreCase));

    private static string[] NamesOf<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions>() =>
        [.. typeof(TOptions).GetProperties().Select(property => property.Name)];
}
