using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// Hosts of these tests do not watch appsettings.json, which none of them has: each watch takes one of the few inotify instances that a user may have,
/// and hundreds of hosts run here, beside those of other test runs.
/// </summary>
internal static class NoFileWatchers
{
    [ModuleInitializer]
    internal static void Set() => Environment.SetEnvironmentVariable("DOTNET_hostBuilder__reloadConfigOnChange", "false");
}
