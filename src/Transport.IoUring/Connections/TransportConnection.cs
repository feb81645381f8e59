using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One connection of either engine. Two methods that run on its loop move the bytes between its socket and its two pipes
/// (<c>.Receive</c> and <c>.Send</c>); the first of them to fail, the application's last byte, or an abort shuts it down
/// (<c>.Shutdown</c>); when both methods have ended the descriptor is closed.
/// </summary>
internal sealed partial class TransportConnection : ConnectionContext, ILoopHandle, IDuplexPipe,
    IConnectionIdFeature, IConnectionTransportFeature, IConnectionItemsFeature, IConnectionLifetimeFeature,
    IConnectionEndPointFeature, IConnectionSocketFeature, IMemoryPoolFeature
{
    private readonly EventLoop _loop;
    private readonly LoopSocket _socket; // loop thread only
    private readonly ConnectionInput _input;
    private readonly ConnectionOutput _output;

    private ulong _peer; // the packed address while there is no end point
    private string? _id;
    private IDictionary<object, object?>? _items;
    private Socket? _socketFeature; // guarded by _socket, like the next
    private bool _descriptorClosed;

    public TransportConnection(
        EventLoop loop,
        int descriptor,
        in PeerAddress peer,
        EndPoint? localEndPoint = null,
        bool halfCloses = false)
    {
        _loop = loop;
        _halfCloses = halfCloses;
        _socket = loop.CreateSocket(descriptor);
        LocalEndPoint = localEndPoint ?? SocketAddressReader.ReadLocal(descriptor);
        _peer = peer.Packed;
        base.RemoteEndPoint = peer.EndPoint;
        _startedAt = loop.TimeProvider.GetTimestamp(); // by the accepting loop's thread, which may be another

        _input = new ConnectionInput(loop, _socket);
        _output = new ConnectionOutput(loop, _socket);
        Transport = this;
        Features = new ConnectionFeatures(this);
    }

    public int Place { get; set; }

    private ConnectionSettings Settings => _loop.ConnectionSettings;

    public override string ConnectionId
    {
        get => _id ??= ConnectionIds.Next();
        set => _id = value;
    }

    public override IFeatureCollection Features { get; }

    public override IDictionary<object, object?> Items
    {
        get => _items ??= new ConnectionItems();
        set => _items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    PipeReader IDuplexPipe.Input => _input;

    PipeWriter IDuplexPipe.Output => _output;

    public override EndPoint? RemoteEndPoint
    {
        get
        {
            if (_peer != 0)
            {
                base.RemoteEndPoint ??= PeerAddress.Unpack(_peer);
            }

            return base.RemoteEndPoint;
        }

        set
        {
            _peer = 0;
            base.RemoteEndPoint = value;
        }
    }

    public MemoryPool<byte> MemoryPool => _loop.MemoryPool;

    /// <summary>The connection's socket as .NET sees it, made on first use. It does not own the descriptor.</summary>
    /// <exception cref="ObjectDisposedException">The connection's descriptor is closed.</exception>
    public Socket Socket
    {
        get
        {
            lock (_socket)
            {
                ObjectDisposedException.ThrowIf(_descriptorClosed, this);
                return _socketFeature ??= new Socket(new SafeSocketHandle(_socket.Descriptor, ownsHandle: false));
            }
        }
    }

    /// <summary>Begins to move bytes. Called once, before anybody else knows of the connection.</summary>
    public void Start()
    {
        if (_loop.IsOnLoop)
        {
            StartOnLoop();
        }
        else
        {
            _loop.Schedule(static connection => ((TransportConnection)connection!).StartOnLoop(), this);
        }
    }

    /// <summary>
    /// Ends the application's side: what it has written is still sent, then the connection closes. Completes when the
    /// descriptor is closed and the token <see cref="BaseConnectionContext.ConnectionClosed"/> has fired.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        _input.Complete();
        _output.Complete();
        EndHalfClose();
        await WaitUntilFinishedAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private void StartOnLoop()
    {
        Exception? error = null;
        try
        {
            _loop.RegisterOnLoop(this); // first: the methods below may end at once, and unregister
            int result = _socket.StartOnLoop(_input);
            error = result < 0 ? SocketErrors.ToException(-result) : null;
        }
        catch (Exception e)
        {
            error = e; // no memory to register it with
        }

        try
        {
            if (error is not null)
            {
                ShutdownOnLoop(error);
            }
        }
        finally
        {
            // They close what does not start, too.
            _ = ReceiveOnLoop();
            _ = SendOnLoop();
        }
    }
}
