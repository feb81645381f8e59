using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// What all connections share: the pipeline and the mapped methods, collected until the host starts and frozen then.
/// Collecting is done by the thread that builds the application; what is frozen may be read by any thread.
/// </summary>
internal sealed partial class RpcServer(
    IServiceProvider services,
    IOptions<RpcServerOptions> options,
    IOptions<HostOptions> hostOptions,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Func<RpcDelegate, RpcDelegate>> _middleware = [];
    private readonly List<RpcEndpointDefinition> _definitions = [];
    private RpcDispatchTable? _dispatch;
    private int _listeners;

    public IServiceProvider Services => services;

    /// <summary>The outermost group: its conventions hold for every method.</summary>
    public RpcGroup Root => field ??= new RpcGroup(this);

    public TimeProvider TimeProvider => timeProvider;

    /// <summary>What the application has brought with <c>AddRpcProtocol</c>, in that order.</summary>
    public IReadOnlyList<IRpcProtocol> Protocols => field ??= FindProtocols();

    /// <summary>Who verifies connections; null if nobody does.</summary>
    public IRpcConnectionAuthenticator? Authenticator { get; private set; }

    /// <summary>Who watches the calls.</summary>
    public RpcCallObserver Observer => field ??= services.GetRequiredService<RpcCallObserver>();

    public ILogger Logger { get; } = new GuardedLogger(loggerFactory.CreateLogger("Kestrel.Rpc.Server"), timeProvider);

    /// <summary>The connections. Made when the server is frozen.</summary>
    public RpcHeartbeat Heartbeat => field ??= new RpcHeartbeat(Options, timeProvider);

    /// <summary>The limits that calls pass.</summary>
    public RpcGates Gates => field ??= new RpcGates(Options.Limits, timeProvider);

    /// <summary>Where calls go that come to an end point of the program. Only after <see cref="Freeze"/>.</summary>
    public RpcDispatchTable Dispatch =>
        Volatile.Read(ref _dispatch) ?? throw new InvalidOperationException("The RPC server has not been started.");

    /// <summary>Where calls of methods with <see cref="RpcScheduling.Dedicated"/> run; null if there is none.</summary>
    public RpcDedicatedThreads? DedicatedThreads { get; private set; }

    public void Use(IEnumerable<Func<RpcDelegate, RpcDelegate>> middleware)
    {
        lock (_lock)
        {
            ThrowIfFrozen("app.UseRpc(...)");
            _middleware.AddRange(middleware);
        }
    }

    public RpcEndpointDefinition Map(
        RpcMethodName name, RpcHandlerMethod handler, RpcBoundHandler bound, RpcGroup? group = null, RpcConventions? service = null)
    {
        lock (_lock)
        {
            ThrowIfFrozen("app.MapRpc(...)");
            RpcEndpointDefinition definition = new(name, handler, bound, group ?? Root, service);
            _definitions.Add(definition);
            return definition;
        }
    }

    /// <summary>Builds the end points, or throws what is wrong with them. The first call counts.</summary>
    public void Freeze()
    {
        lock (_lock)
        {
            _ = Protocols;
            _ = Observer; // its instruments are there before the first connection
            _ = Heartbeat;
            Authenticator ??= services.GetService<IRpcConnectionAuthenticator>();
            if (_dispatch is null)
            {
                _dispatch = BuildDispatch();
                Gates.Tell(Observer.Metrics.Gates);
                if (DedicatedThreads is not null)
                {
                    Observer.Metrics.Gates.Add(DedicatedThreads);
                }
            }
        }
    }

    /// <summary>Notes that an end point of the program serves RPC.</summary>
    public void AddListener() => Interlocked.Increment(ref _listeners);

    /// <summary>Warns about methods that no peer can reach.</summary>
    public void WarnIfUnreachable()
    {
        if (_unplaced.Count == 0 || Volatile.Read(ref _listeners) != 0)
        {
            return;
        }

        if (_placed.Count == 0)
        {
            Log.NoListener(Logger, _unplaced.Count);
        }
        else
        {
            Log.NotPlaced(Logger, string.Join(", ", _unplaced.Select(endpoint => endpoint.Name.Service).Distinct()));
        }
    }

    /// <summary>Ends its threads, with the services of the host.</summary>
    public void Dispose()
    {
        DedicatedThreads?.Dispose();
        if (_dispatch is not null)
        {
            Heartbeat.Dispose();
        }
    }

    private IRpcProtocol[] FindProtocols()
    {
        IRpcProtocol[] protocols = [.. services.GetServices<IRpcProtocol>()];
        HashSet<string> names = new(StringComparer.Ordinal) { NativePortProtocol.Name };
        foreach (IRpcProtocol protocol in protocols)
        {
            if (string.IsNullOrEmpty(protocol.Name) || !names.Add(protocol.Name))
            {
                throw new InvalidOperationException(
                    $"The protocol {protocol.GetType()} is called '{protocol.Name}'. Every protocol of a server needs a name of its own.");
            }
        }

        return protocols;
    }

    private RpcDispatchTable BuildDispatch()
    {
        RpcDelegate? middleware = _middleware.Count == 0 ? null : RpcPipeline.Compose(_middleware, RpcPipeline.Handler);
        RpcCallAuthentication? authentication = CreateAuthentication();
        List<RpcEndpoint> endpoints = [.. _definitions.Select(definition => definition.Build(Options, services, middleware, authentication, Gates))];
        RpcDispatchTable table = Place(endpoints);
        PlaceHttp(endpoints);
        if (endpoints.Any(endpoint => endpoint.Scheduling == RpcScheduling.Dedicated))
        {
            DedicatedThreads = new RpcDedicatedThreads(Options.Dedicated);
        }

        return table;
    }

    private void ThrowIfFrozen(string what)
    {
        if (_dispatch is not null)
        {
            throw new InvalidOperationException($"{what} was called after the host had started. Call it before app.Run().");
        }
    }
}
