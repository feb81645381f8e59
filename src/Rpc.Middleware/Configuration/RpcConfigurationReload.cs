using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Takes changes of the configuration over while the server runs, as far as that makes sense, and says once of each other key that it changes with the next start.
/// A configuration that is not in order is not taken at all. Runs on the thread of whoever reloads the configuration, one at a time.
/// </summary>
internal sealed class RpcConfigurationReload(
    RpcServer server, IConfiguration configuration, IOptionsFactory<RpcServerOptions> factory) : IHostedService, IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _reported = new(StringComparer.OrdinalIgnoreCase);
    private Dictionary<string, string?> _taken = [];
    private IDisposable? _watch;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _taken = Read();
        _watch = ChangeToken.OnChange(configuration.GetReloadToken, OnChanged);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _watch?.Dispose();

    private void OnChanged()
    {
        lock (_lock)
        {
            Dictionary<string, string?> read = Read();
            string[] changed = [.. read.Keys.Union(_taken.Keys, read.Comparer).Where(key => read.GetValueOrDefault(key) != _taken.GetValueOrDefault(key)).Order(StringComparer.Ordinal)];
            if (changed.Length == 0)
            {
                return;
            }

            try
            {
                server.Apply(factory.Create(Options.DefaultName));
            }
            catch (Exception exception)
            {
                // Out of range, or no value of its kind: whatever the reason, the server goes on with what it has.
                Log.ReloadRefused(server.Logger, exception.Message);
                return;
            }

            _taken = read;
            string[] effective = [.. changed.Where(RpcLiveOptions.Keys.Contains)];
            if (effective.Length > 0)
            {
                Log.Reloaded(server.Logger, string.Join(", ", effective));
            }

            foreach (string key in changed.Where(key => !RpcLiveOptions.Keys.Contains(key) && _reported.Add(key)))
            {
                Log.NotReloadable(server.Logger, key);
            }
        }
    }

    private Dictionary<string, string?> Read() =>
        configuration.GetSection(RpcServerKeys.Section).AsEnumerable()
            .Concat(configuration.GetSection(RpcServicePlacement.OriginalSection).AsEnumerable())
            .Where(pair => pair.Value is not null)
            .ToDictionary(StringComparer.OrdinalIgnoreCase);
}
