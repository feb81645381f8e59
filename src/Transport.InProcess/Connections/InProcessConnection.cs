using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One side of a connection. Between the two sides stand two pipes, one for each direction, with nothing that copies between
/// them: what one side flushes the other reads. Completing the output ends that direction, disposing both; an abort ends both
/// at once, for both sides (<c>.Shutdown</c>).
/// </summary>
/// <remarks>One reader and one writer at a time for each side, as with every pipe; everything else from any thread.</remarks>
internal sealed partial class InProcessConnection : ConnectionContext, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature,
    IConnectionEndPointFeature, IMemoryPoolFeature
{
    private readonly InProcessSettings _settings;
    private readonly InProcessReader _input;
    private readonly InProcessWriter _output;
    private readonly bool _isServer;

    private string? _id;
    private IDictionary<object, object?>? _items;
    private IFeatureCollection? _features;

    private InProcessConnection(InProcessSettings settings, Pipe receive, Pipe send, EndPoint local, EndPoint remote, bool isServer)
    {
        _settings = settings;
        _isServer = isServer;
        _input = new InProcessReader(receive.Reader, this);
        _output = new InProcessWriter(send.Writer, this);
        Transport = this;
        LocalEndPoint = local;
        RemoteEndPoint = remote;
        ConnectionClosed = _closedSource.Token;
        Peer = null!; // set by CreatePair, before anybody else knows of either
    }

    /// <summary>The other side.</summary>
    public InProcessConnection Peer { get; private set; }

    public override string ConnectionId
    {
        get => _id ?? Interlocked.CompareExchange(ref _id, NewId(), null) ?? _id;
        set => _id = value;
    }

    public override IFeatureCollection Features => _features ?? Interlocked.CompareExchange(ref _features, CreateFeatures(), null) ?? _features;

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    public MemoryPool<byte> MemoryPool => _settings.MemoryPool;

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output;

    /// <summary>Makes both sides of a connection; returns the server's.</summary>
    public static InProcessConnection CreatePair(EndPoint server, EndPoint client, InProcessSettings settings)
    {
        var toServer = new Pipe(settings.ToServer);
        var toClient = new Pipe(settings.ToClient);
        var accepted = new InProcessConnection(settings, toServer, toClient, server, client, isServer: true);
        var connected = new InProcessConnection(settings, toClient, toServer, client, server, isServer: false);
        accepted.Peer = connected;
        connected.Peer = accepted;
        return accepted;
    }

    private static string NewId() => Guid.CreateVersion7().ToString("N");

    // Settable: Kestrel and connection middleware add to it and replace what they find.
    private FeatureCollection CreateFeatures()
    {
        var features = new FeatureCollection(initialCapacity: 8);
        features.Set<IConnectionIdFeature>(this);
        features.Set<IConnectionTransportFeature>(this);
        features.Set<IConnectionItemsFeature>(this);
        features.Set<IConnectionLifetimeFeature>(this);
        features.Set<IConnectionEndPointFeature>(this);
        features.Set<IMemoryPoolFeature>(this);
        return features;
    }
}
