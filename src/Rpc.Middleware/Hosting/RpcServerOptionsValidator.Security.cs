using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>Credentials and floods.</content>
internal sealed partial class RpcServerOptionsValidator
{
    private const int MostCachedCredentials = 1_024;

    private static void CheckSecurity(List<string> faults, RpcServerOptions options)
    {
        RpcAuthenticationOptions authentication = options.Authentication;
        if (!IsTextKey(authentication.CredentialsKey))
        {
            faults.Add(
                $"RpcServerOptions.Authentication.CredentialsKey is '{RpcNames.ForLog(authentication.CredentialsKey ?? "")}'; it must be a key of metadata whose values are text: "
                + "letters, digits, '-', '_' and '.', and no '-bin' at the end.");
        }

        CheckRange(faults, "Floods.MaxPings", options.Floods.MaxPings, 1, int.MaxValue);
        CheckRange(faults, "Floods.MaxCancels", options.Floods.MaxCancels, 1, int.MaxValue);
        CheckRange(faults, "Floods.MaxSmallGrants", options.Floods.MaxSmallGrants, 1, int.MaxValue);
        CheckRange(faults, "Floods.MaxStrayFrames", options.Floods.MaxStrayFrames, 1, int.MaxValue);
        CheckRange(faults, "Floods.MaxRefusedCalls", options.Floods.MaxRefusedCalls, 1, int.MaxValue);
        CheckRange(faults, "Authentication.CachedCredentialsPerConnection", authentication.CachedCredentialsPerConnection, 0, MostCachedCredentials);
        if (authentication.CachedCredentialsLifetime <= TimeSpan.Zero || authentication.CachedCredentialsLifetime > SniffTimer.Longest)
        {
            faults.Add(
                $"RpcServerOptions.Authentication.CachedCredentialsLifetime is {authentication.CachedCredentialsLifetime}; it must be more than zero, "
                + $"and {SniffTimer.Longest} at most.");
        }
    }

    private static bool IsTextKey(string? key)
    {
        try
        {
            _ = new RpcMetadataEntry(key!, "");
            return true;
        }
        catch (ArgumentException)
        {
            // What the entry says is said above with the name of the option.
            return false;
        }
    }
}
