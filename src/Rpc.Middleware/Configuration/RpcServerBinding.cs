using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>Fills the options from <c>Rpc:Server</c>.</summary>
internal static class RpcServerBinding
{
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1); // Kestrel's, who looks once a second

    /// <exception cref="InvalidOperationException">A value is not of its kind.</exception>
    /// <exception cref="OptionsValidationException">The least data rate is none.</exception>
    public static void Bind(RpcServerOptions options, IConfigurationSection section)
    {
        MinDataRate? rate = options.Connections.MinRequestDataRate;
        section.Bind(options);
        options.Connections.MinRequestDataRate = ReadRate(section, rate);
    }

    // Kestrel's type has no setters, so the binder would leave it as it is without a word. What is not said is as before; no value at all, as null in JSON, is no limit.
    private static MinDataRate? ReadRate(IConfigurationSection server, MinDataRate? before)
    {
        IConfigurationSection section = server.GetSection(RpcServerKeys.DataRate);
        if (!section.GetChildren().Any())
        {
            bool isThere = server.GetSection(nameof(RpcServerOptions.Connections)).GetChildren().Any(child => child.Path.Equals(section.Path, StringComparison.OrdinalIgnoreCase));
            return isThere && string.IsNullOrEmpty(section.Value) ? null : before; // another value is a fault, which is found with the unknown keys
        }

        before ??= new RpcServerConnectionOptions().MinRequestDataRate!;
        double bytes = before.BytesPerSecond;
        if (section[nameof(MinDataRate.BytesPerSecond)] is { } text && !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out bytes))
        {
            throw NotOfItsKind(section, nameof(MinDataRate.BytesPerSecond), text);
        }

        TimeSpan grace = before.GracePeriod;
        if (section[nameof(MinDataRate.GracePeriod)] is { } time && !TimeSpan.TryParse(time, CultureInfo.InvariantCulture, out grace))
        {
            throw NotOfItsKind(section, nameof(MinDataRate.GracePeriod), time);
        }

        if (!(bytes > 0 && double.IsFinite(bytes)))
        {
            throw Fault($"{section.Path}:{nameof(MinDataRate.BytesPerSecond)} is {bytes}; it must be a number more than zero.");
        }

        return grace > LeastGrace ? new MinDataRate(bytes, grace)
            : throw Fault($"{section.Path}:{nameof(MinDataRate.GracePeriod)} is {grace}; it must be more than {LeastGrace}.");
    }

    private static InvalidOperationException NotOfItsKind(IConfigurationSection section, string key, string text) =>
        new($"{section.Path}:{key} is '{RpcNames.ForLog(text)}', which is no value of its kind.");

    private static OptionsValidationException Fault(string fault) => new(RpcServerKeys.Section, typeof(RpcServerOptions), [fault]);
}
