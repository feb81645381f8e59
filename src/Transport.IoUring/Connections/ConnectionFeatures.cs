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
    // Kestrel sets four on every connection. Null values: own features that somebody removed.
    private KeyValuePair<Type, object?>[] _set = [];
    private int _setCount;

    public ConnectionFeatures(TransportConnection connection) => _connection = connection;

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get
        {
            int index = IndexOf(key);
            if (index >= 0)
            {
                return _set[index].Value;
            }

            return Array.IndexOf(OwnFeatures, key) >= 0 ? _connection : null;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            int index = IndexOf(key);
            if (index < 0)
            {
                index = _setCount++;
                if (index == _set.Length)
                {
                    Array.Resize(ref _set, index + 4);
                }
            }

            _set[index] = new KeyValuePair<Type, object?>(key, value);
            Revision++;
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator()
    {
        foreach (Type key in OwnFeatures)
        {
            if (IndexOf(key) < 0)
            {
                yield return new KeyValuePair<Type, object>(key, _connection);
            }
        }

        for (int i = 0; i < _setCount; i++)
        {
            if (_set[i] is { Value: { } feature } set)
            {
                yield return new KeyValuePair<Type, object>(set.Key, feature);
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (int i = 0; i < _setCount; i++)
        {
            if (_set[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }
}
