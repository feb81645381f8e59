using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <content>Which methods an end point serves. Set when the server is frozen.</content>
internal sealed partial class RpcServer
{
    private readonly Dictionary<RpcListenAddress, RpcDispatchTable> _placed = [];
    private List<RpcEndpoint> _unplaced = [];

    /// <summary>What an end point serves. Only after <see cref="Freeze"/>.</summary>
    /// <param name="address">Where configuration has it; null for one that the program has made.</param>
    public RpcDispatchTable DispatchAt(RpcListenAddress? address) => address is null ? Dispatch : _placed[address];

    private RpcDispatchTable Place(List<RpcEndpoint> endpoints)
    {
        RpcDispatchTable all = new(endpoints); // throws if two have one name
        if (services.GetService<RpcServicePlacement>() is not { Services.Count: > 0 } placement)
        {
            _unplaced = endpoints;
            return all;
        }

        placement.ThrowIfNotMapped(endpoints);
        foreach (RpcListenAddress address in placement.Addresses)
        {
            _placed.Add(address, new RpcDispatchTable(endpoints.Where(endpoint => placement.Places(endpoint, address))));
        }

        _unplaced = [.. endpoints.Where(endpoint => !placement.Places(endpoint))];
        return new RpcDispatchTable(_unplaced);
    }
}
