using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Has Kestrel listen where the configured services do, one end point for each address. After all other configuration of Kestrel, so that its defaults for end points
/// (<c>ConfigureEndpointDefaults</c>, TLS for example) hold for these, too.
/// </summary>
internal sealed class RpcConfiguredEndPoints(RpcServicePlacement placement) : IPostConfigureOptions<KestrelServerOptions>
{
    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        foreach (RpcListenAddress address in placement.Addresses)
        {
            void Serve(ListenOptions listen) => RpcListenOptionsExtensions.UseRpc(listen, address);
            if (address.Ip is null)
            {
                options.ListenAnyIP(address.Port, Serve);
            }
            else
            {
                options.Listen(address.Ip, address.Port, Serve);
            }
        }
    }
}
