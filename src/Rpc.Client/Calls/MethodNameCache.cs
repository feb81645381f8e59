using System.Collections.Concurrent;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>Remembers encoded names. Bounded: names past the first thousand are encoded for each call. Thread-safe.</summary>
internal sealed class MethodNameCache
{
    private const int Capacity = 1024;

    private readonly ConcurrentDictionary<(string Service, string Method), RpcMethodName> _names = new();
    private int _count;

    public RpcMethodName Get(string service, string method)
    {
        if (_names.TryGetValue((service, method), out RpcMethodName? name))
        {
            return name;
        }

        name = new RpcMethodName(service, method);
        if (Volatile.Read(ref _count) < Capacity && _names.TryAdd((service, method), name))
        {
            Interlocked.Increment(ref _count);
        }

        return name;
    }
}
