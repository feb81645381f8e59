using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>How many connections are open, by what they speak. Any thread; a connection counts from its first frame on, when its version is known.</summary>
internal sealed class RpcConnectionCounts
{
    private readonly Count _version1 = new(NativePortProtocol.Name, "1");
    private readonly Count _version2 = new(NativePortProtocol.Name, "2");
    private readonly ConcurrentDictionary<string, Count> _others = new(StringComparer.Ordinal);

    /// <summary>Counts a connection of our own protocol.</summary>
    /// <returns>What takes it away again.</returns>
    public Count Add(int version) => (version == RpcFrameHeader.Version2 ? _version2 : _version1).Add();

    /// <summary>Counts a connection of a protocol that the application has brought.</summary>
    public Count Add(string protocol) => _others.GetOrAdd(protocol, static name => new Count(name, null)).Add();

    /// <summary>What the instrument reports.</summary>
    public IEnumerable<Measurement<long>> Measure() => [_version1.Measure(), _version2.Measure(), .. _others.Values.Select(count => count.Measure())];

    /// <summary>The connections of one protocol and version.</summary>
    internal sealed class Count(string protocol, string? version)
    {
        private readonly KeyValuePair<string, object?>[] _tags = version is null
            ? [new(RpcServerTelemetry.ProtocolNameTag, protocol)]
            : [new(RpcServerTelemetry.ProtocolNameTag, protocol), new(RpcServerTelemetry.ProtocolVersionTag, version)];

        private long _open;

        public Count Add()
        {
            Interlocked.Increment(ref _open);
            return this;
        }

        public void Remove() => Interlocked.Decrement(ref _open);

        public Measurement<long> Measure() => new(Volatile.Read(ref _open), _tags);
    }
}
