using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>A listener on a <see cref="ScriptedLoop"/>, whose loop for connections is there or not, as the test says.</summary>
internal sealed class ScriptedListener : IAsyncDisposable
{
    private readonly Socket _listening = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Group _group;

    public ScriptedListener(int backlog = 512, ILogger? logger = null)
    {
        ConnectionSettings settings = ScriptedLoop.CreateSettings(logger, Limit, Time);
        Loop = new ScriptedLoop(settings);
        Loop.Start(0);
        _group = new Group(Loop);
        _listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listening.Listen();
        int descriptor = Posix.Check(Posix.dup((int)_listening.Handle)); // the listener's own
        Listener = new TransportListener(
            _listening.LocalEndPoint!, [new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))], _group, settings, backlog, Time);
    }

    public StoppedTime Time { get; } = new();

    public ConnectionLimit Limit { get; } = new(100, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, TimeProvider.System);

    public ScriptedLoop Loop { get; }

    public TransportListener Listener { get; }

    public bool IsAccepting => Loop.Acceptor!.IsAccepting;

    /// <summary>Whether the system has no thread for a connection.</summary>
    public bool HasNoThreads
    {
        get => _group.Fails;
        set => _group.Fails = value;
    }

    /// <summary>Whether the transport has stopped, of which the listener does not know yet.</summary>
    public bool HasStopped
    {
        get => _group.HasStopped;
        set => _group.HasStopped = value;
    }

    /// <summary>How often a thread was asked for.</summary>
    public int Asked => _group.Asked;

    /// <summary>A client whose connection the acceptor reports.</summary>
    public async Task<Socket> ConnectAsync()
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(_listening.LocalEndPoint!).Limited();
        int descriptor;
        using (Socket accepted = await _listening.AcceptAsync().Limited())
        {
            descriptor = Posix.Check(Posix.dup((int)accepted.Handle));
        }

        await Loop.RunAsync(() => Loop.Acceptor!.Target.OnAccepted(descriptor));
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync().Limited();
        await Task.Run(Loop.Dispose).Limited();
        _listening.Dispose();
    }

    private sealed class Group(EventLoop loop) : EventLoopGroup([loop])
    {
        private int _asked;

        public bool Fails { get; set; }

        public bool HasStopped { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public override EventLoop TakeLeastLoaded()
        {
            Interlocked.Increment(ref _asked);
            ObjectDisposedException.ThrowIf(HasStopped, this);
            return Fails ? throw new IOException("no thread") : base.TakeLeastLoaded();
        }
    }
}
