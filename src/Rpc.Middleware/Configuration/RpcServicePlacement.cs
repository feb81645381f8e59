using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Which service listens where: <c>Rpc:Server:Service</c>, or the original's <c>server:service</c>, each a list of name, ip and port. A service that is named here
/// listens nowhere else. Immutable.
/// </summary>
internal sealed class RpcServicePlacement
{
    public const string Section = "Rpc:Server:Service";

    /// <summary>Where the original has it.</summary>
    public const string OriginalSection = "server:service";

    private static readonly string[] EntryKeys = ["Name", "Ip", "Port"];

    private RpcServicePlacement(List<RpcConfiguredService> services, List<string> faults)
    {
        Services = services;
        Faults = faults;
    }

    /// <summary>What is in order.</summary>
    public IReadOnlyList<RpcConfiguredService> Services { get; }

    /// <summary>What is not, each with its key.</summary>
    public IReadOnlyList<string> Faults { get; }

    public IEnumerable<RpcListenAddress> Addresses => Services.Select(service => service.Address).Distinct();

    public static RpcServicePlacement Read(IConfiguration configuration)
    {
        List<RpcConfiguredService> services = [];
        List<string> faults = [];
        IConfigurationSection ours = configuration.GetSection(Section);
        IConfigurationSection original = configuration.GetSection(OriginalSection);
        if (ours.GetChildren().Any() && original.GetChildren().Any())
        {
            faults.Add($"Services stand both in {Section} and in {OriginalSection}; one of the two must go.");
        }

        Dictionary<string, string> names = new(StringComparer.Ordinal);
        foreach (IConfigurationSection entry in ours.GetChildren().Concat(original.GetChildren()))
        {
            RpcServerKeys.AddUnknown(faults, entry, EntryKeys);
            string? name = ReadName(entry, names, faults);
            bool hasIp = TryReadIp(entry, faults, out IPAddress? ip);
            if (ReadPort(entry, faults) is { } port && name is not null && hasIp)
            {
                services.Add(new RpcConfiguredService(entry.Path, name, new RpcListenAddress(ip, port)));
            }
        }

        AddOverlaps(services, faults);
        return new RpcServicePlacement(services, faults);
    }

    /// <summary>Whether a method belongs to a service that is named here, so that it listens only there.</summary>
    public bool Places(RpcEndpoint endpoint) => Services.Any(service => IsOf(endpoint, service));

    /// <summary>Whether a method listens on an address.</summary>
    public bool Places(RpcEndpoint endpoint, RpcListenAddress address) =>
        Services.Any(service => service.Address == address && IsOf(endpoint, service));

    /// <summary>Throws if a service has no method.</summary>
    public void ThrowIfNotMapped(IReadOnlyCollection<RpcEndpoint> endpoints)
    {
        string[] mapped = [.. endpoints.SelectMany(endpoint => endpoint.WireNames).Select(name => name.Service).Distinct()];
        string[] faults =
        [
            .. Services.Where(service => !mapped.Contains(service.Name)).Select(service =>
                $"{service.Key}:Name is '{service.Name}', and no method of such a service is mapped.{NearMiss.Suggest(service.Name, mapped)}"),
        ];
        if (faults.Length > 0)
        {
            throw new OptionsValidationException(Section, typeof(RpcServerOptions), faults);
        }
    }

    private static bool IsOf(RpcEndpoint endpoint, RpcConfiguredService service) =>
        endpoint.WireNames.Any(name => name.Service == service.Name);

    private static string? ReadName(IConfigurationSection entry, Dictionary<string, string> names, List<string> faults)
    {
        string? name = entry["Name"];
        if (string.IsNullOrEmpty(name) || name.Contains('/', StringComparison.Ordinal))
        {
            faults.Add($"{entry.Path}:Name is {Quote(name)}; it must be the name of a service, which has no '/'.");
            return null;
        }

        if (names.TryAdd(name, entry.Path))
        {
            return name;
        }

        faults.Add($"{entry.Path}:Name is '{name}', which {names[name]}:Name is already.");
        return null;
    }

    private static bool TryReadIp(IConfigurationSection entry, List<string> faults, out IPAddress? ip)
    {
        string? text = entry["Ip"];
        ip = null;
        switch (text)
        {
            case "*":
                return true;
            case "localhost":
                ip = IPAddress.Loopback;
                return true;
            default:
                if (IPAddress.TryParse(text, out ip))
                {
                    return true;
                }

                faults.Add($"{entry.Path}:Ip is {Quote(text)}; it must be an address such as 0.0.0.0 or ::1, or localhost, or * for all.");
                return false;
        }
    }

    private static int? ReadPort(IConfigurationSection entry, List<string> faults)
    {
        string? text = entry["Port"];
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port <= IPEndPoint.MaxPort)
        {
            return port;
        }

        faults.Add($"{entry.Path}:Port is {Quote(text)}; it must be 0 to {IPEndPoint.MaxPort}, 0 for any that is free.");
        return null;
    }

    // All addresses and one of them cannot be listened on at once. Said here, because a transport would say only that an address is in use.
    private static void AddOverlaps(List<RpcConfiguredService> services, List<string> faults)
    {
        foreach (RpcConfiguredService wide in services.Where(service => service.Address is { Ip: null, Port: > 0 } || IsAny(service.Address)))
        {
            foreach (RpcConfiguredService other in services)
            {
                if (other.Address.Port == wide.Address.Port && other.Address != wide.Address && Covers(wide.Address.Ip, other.Address.Ip))
                {
                    faults.Add($"{other.Key} listens on {other.Address}, which is part of {wide.Address} of {wide.Key}.");
                }
            }
        }
    }

    private static bool IsAny(RpcListenAddress address) =>
        address.Port > 0 && (IPAddress.Any.Equals(address.Ip) || IPAddress.IPv6Any.Equals(address.Ip));

    private static bool Covers(IPAddress? wide, IPAddress? other) => wide is null || (other is not null && wide.AddressFamily == other.AddressFamily);

    private static string Quote(string? text) => text is null ? "not there" : $"'{RpcNames.ForLog(text)}'";
}
