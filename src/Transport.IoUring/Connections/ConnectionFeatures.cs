using System.Collections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The features of one connection: those that the connection object implements itself, which cost nothing, and whatever
/// Kestrel and connection middleware set on top.
/// </summary>
internal sealed class ConnectionFeatures : IFeatureCollection
{
    private static readonly Type[] OwnFeatures =
    [
        typeof(IConnectionIdFeature),
        typeof(IConnectionTransportFeature),
        typeof(IConnectionItemsFeature),
        typeof(IConnectionLifetimeFeature),
        typeof(IConnectionEndPointFeature),
        typeof(IConnectionSocketFeature),
        typeof(IMemoryPoolFeature),
        typeof(IConnectionStatisticsFeature),
    ];

    private readonly object _connection;
    private Dictionary<Type, object?>? _set; // null values: own features that somebody removed

    public ConnectionFeatures(TransportConnection connection) => _connection = connection;

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get
        {
            if (_set is not null && _set.TryGetValue(key, out object? feature))
            {
                return feature;
            }

            return Array.IndexOf(OwnFeatures, key) >= 0 ? _connection : null;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            (_set ??= [])[key] = value;
            Revision++;
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        foreach (Type key in OwnFeatures)
        {
            if (_set?.ContainsKey(key) != true)
            {
                yield return new KeyValuePair<Type, object>(key, _connection);
            }
        }

        foreach ((Type key, object? feature) in _set ?? [])
        {
            if (feature is not null)
            {
                yield return new KeyValuePair<Type, object>(key, feature);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
