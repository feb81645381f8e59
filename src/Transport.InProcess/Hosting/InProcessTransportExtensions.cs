using Kestrel.Rpc.Transport;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Puts Kestrel on the in-process transport.</summary>
public static class InProcessTransportExtensions
{
    /// <summary>
    /// Serves every <see cref="InProcessEndPoint"/> of Kestrel to clients of the same process, which dial it through
    /// <see cref="InProcessNetwork"/>. End points of other kinds stay with the transports registered before, unless
    /// <see cref="InProcessTransportOptions.ClaimEveryEndPoint"/> is set.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="configure">Changes the options; may be <see langword="null"/>.</param>
    public static IWebHostBuilder UseInProcess(this IWebHostBuilder builder, Action<InProcessTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services => services.AddInProcessTransport(configure));
    }
}
