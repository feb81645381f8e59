using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Finds the end point of a call from the raw bytes of its protocol data. JSON is parsed only for a spelling that was not
/// seen before: another order of the keys, white space, further keys. Safe to call from any thread.
/// </summary>
internal sealed class RpcDispatchTable
{
    // What a hostile peer can make us keep: 1,024 x 512 bytes. One that fills the table costs the others a JSON parse a call.
    internal const int MaxSpellings = 1024;
    internal const int MaxSpellingLength = 512;

    private readonly FrozenDictionary<(string Service, string Method), RpcRoute> _byName;
    private readonly FrozenDictionary<byte[], RpcRoute>.AlternateLookup<ReadOnlySpan<byte>> _byUtf8;
    private readonly FrozenSet<string> _services;
    private readonly FrozenDictionary<byte[], RpcSpelling>.AlternateLookup<ReadOnlySpan<byte>> _canonical;
    private readonly ConcurrentDictionary<byte[], RpcSpelling> _spellings = new(ByteKeyComparer.Instance);
    private readonly ConcurrentDictionary<byte[], RpcSpelling>.AlternateLookup<ReadOnlySpan<byte>> _spellingLookup;
    private int _spellingCount;

    /// <exception cref="InvalidOperationException">Two end points answer to one name.</exception>
    public RpcDispatchTable(IEnumerable<RpcEndpoint> endpoints)
    {
        Dictionary<(string, string), RpcRoute> byName = [];
        foreach (RpcEndpoint endpoint in endpoints)
        {
            foreach (RpcMethodName name in endpoint.WireNames)
            {
                if (!byName.TryAdd((name.Service, name.Method), new RpcRoute(name, endpoint)))
                {
                    throw Duplicate(name, byName[(name.Service, name.Method)].Endpoint, endpoint);
                }
            }
        }

        _byName = byName.ToFrozenDictionary();
        _byUtf8 = byName.Values
            .Where(route => !route.Name.Name.IsEmpty)
            .ToFrozenDictionary(route => route.Name.Name.ToArray(), ByteKeyComparer.Instance)
            .GetAlternateLookup<ReadOnlySpan<byte>>();
        _services = byName.Values.Select(route => route.Name.Service).ToFrozenSet(StringComparer.Ordinal);
        _canonical = byName.Values
            .Select(route => new RpcSpelling(route.Name.ProtocolData.ToArray(), route))
            .ToFrozenDictionary(spelling => spelling.Bytes, ByteKeyComparer.Instance)
            .GetAlternateLookup<ReadOnlySpan<byte>>();
        _spellingLookup = _spellings.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>How many spellings beside our own are remembered.</summary>
    public int RememberedSpellings => Volatile.Read(ref _spellingCount);

    /// <summary>Finds the end point. Allocates only for a spelling that was not seen before.</summary>
    /// <param name="protocolData">The bytes of a request.</param>
    /// <param name="fault">Why there is none, with a <see langword="null"/> result.</param>
    /// <returns>The spelling with its end point, to be compared with the bytes of the connection's next call.</returns>
    public RpcSpelling? Find(in ReadOnlySequence<byte> protocolData, out RpcFault fault)
    {
        fault = default;
        if (FindSeen(protocolData) is { } seen)
        {
            return seen;
        }

        if (!RpcProtocolData.TryReadRequest(protocolData, out RpcProtocolData data, out RpcProtocolDataError error))
        {
            fault = new RpcFault(
                data.ServiceName ?? "", data.MethodName ?? "", RpcErrorCode.Decoding, $"The protocol data is not accepted: {error}.");
            return null;
        }

        if (!_byName.TryGetValue((data.ServiceName!, data.MethodName!), out RpcRoute? route))
        {
            fault = Unknown(data.ServiceName!, data.MethodName!);
            return null;
        }

        return Remember(protocolData, route);
    }

    /// <summary>Finds the end point of a call of version 2.</summary>
    /// <param name="name"><c>service/method</c> in UTF-8.</param>
    /// <param name="fault">Why there is none, with a <see langword="null"/> result.</param>
    public RpcRoute? Find(ReadOnlySpan<byte> name, out RpcFault fault)
    {
        fault = default;
        if (_byUtf8.TryGetValue(name, out RpcRoute? route))
        {
            return route;
        }

        string text = System.Text.Encoding.UTF8.GetString(name);
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        fault = slash < 0
            ? Unknown(text, "")
            : Unknown(text[..slash], text[(slash + 1)..]);
        return null;
    }

    private RpcFault Unknown(string service, string method)
    {
        string message = _services.Contains(service)
            ? $"Service '{RpcNames.ForLog(service)}' has no method '{RpcNames.ForLog(method)}'."
            : $"There is no service '{RpcNames.ForLog(service)}'.";
        return new RpcFault(service, method, RpcErrorCode.Server, message)
        {
            Status = new RpcStatus(RpcStatusCode.Unimplemented, message),
            IsNotProcessed = true,
        };
    }

    private RpcSpelling? FindSeen(in ReadOnlySequence<byte> protocolData)
    {
        scoped ReadOnlySpan<byte> bytes = protocolData.FirstSpan;
        if (!protocolData.IsSingleSegment)
        {
            if (protocolData.Length > MaxSpellingLength)
            {
                return null;
            }

            Span<byte> gathered = stackalloc byte[(int)protocolData.Length];
            protocolData.CopyTo(gathered);
            bytes = gathered;
        }

        return _canonical.TryGetValue(bytes, out RpcSpelling? spelling) || _spellingLookup.TryGetValue(bytes, out spelling)
            ? spelling
            : null;
    }

    private RpcSpelling Remember(in ReadOnlySequence<byte> protocolData, RpcRoute route)
    {
        if (protocolData.Length > MaxSpellingLength || RememberedSpellings >= MaxSpellings)
        {
            // Our own spelling stands for it: nothing that a peer chose is copied or kept.
            return _canonical[route.Name.ProtocolData.Span];
        }

        RpcSpelling spelling = new(protocolData.ToArray(), route);
        if (_spellings.TryAdd(spelling.Bytes, spelling))
        {
            Interlocked.Increment(ref _spellingCount);
        }

        return spelling;
    }

    private static InvalidOperationException Duplicate(RpcMethodName name, RpcEndpoint first, RpcEndpoint second) => new(
        $"Two end points answer to the RPC method '{name}': '{first.DisplayName}' and '{second.DisplayName}'. Remove one of the "
        + "MapRpc or WithWireName calls, or give one of them another name.");
}
