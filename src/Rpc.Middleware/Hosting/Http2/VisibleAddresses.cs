using System.Collections;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>The server's addresses without the hidden end point. A view: everything else goes to Kestrel's own collection.</summary>
internal sealed class VisibleAddresses(IServerAddressesFeature feature) : IServerAddressesFeature, ICollection<string>
{
    public ICollection<string> Addresses => this;

    public bool PreferHostingUrls
    {
        get => feature.PreferHostingUrls;
        set => feature.PreferHostingUrls = value;
    }

    public int Count => Visible.Count();

    public bool IsReadOnly => feature.Addresses.IsReadOnly;

    private IEnumerable<string> Visible => feature.Addresses.Where(address => !address.EndsWith(HiddenEndPoint.Name, StringComparison.Ordinal));

    public void Add(string item) => feature.Addresses.Add(item);

    public void Clear() => feature.Addresses.Clear();

    public bool Contains(string item) => Visible.Contains(item);

    public void CopyTo(string[] array, int arrayIndex) => Visible.ToArray().CopyTo(array, arrayIndex);

    public bool Remove(string item) => feature.Addresses.Remove(item);

    public IEnumerator<string> GetEnumerator() => Visible.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
