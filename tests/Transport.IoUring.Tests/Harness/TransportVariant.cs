using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Which transport a conformance test runs on.</summary>
public enum TransportKind
{
    /// <summary>Kestrel's own: it proves the suite.</summary>
    Sockets,

    /// <summary>The epoll engine.</summary>
    Epoll,

    /// <summary>The io_uring engine, without its fall-back.</summary>
    IoUring,

    /// <summary>A thread for every connection.</summary>
    Blocking,
}

/// <summary>How the loops of a transport under test wait.</summary>
public enum TransportPolling
{
    /// <summary>They sleep.</summary>
    None,

    /// <summary>They never sleep.</summary>
    Spin,

    /// <summary>They look for a while, then sleep.</summary>
    SpinThenSleep,

    /// <summary>They sleep, and a kernel thread takes their requests.</summary>
    SubmissionQueue,

    /// <summary>They never sleep, and a kernel thread takes their requests.</summary>
    Both,
}

/// <summary>A transport as the conformance suite runs it; optionally damaged by a wrapper, to prove a check.</summary>
public sealed record TransportVariant(TransportKind Kind, int Loops, ApplicationScheduling Scheduling)
{
    /// <summary>How the loops wait.</summary>
    public TransportPolling Polling { get; init; }

    /// <summary>How connections come to the loops.</summary>
    public AcceptStrategy Accept { get; init; }

    /// <summary>A listener factory that takes the real one as its only constructor argument and breaks something.</summary>
    public Type? Wrapper { get; init; }

    /// <summary>Whether handlers run on the event loop, where they must not block.</summary>
    public bool IsInline => Scheduling == ApplicationScheduling.Inline;

    /// <summary>Whether a thread of the kernel takes the requests of a loop, and goes on for a moment when it shall not.</summary>
    internal bool HasKernelThread => Polling is TransportPolling.SubmissionQueue or TransportPolling.Both;

    /// <summary>What the categories of the transport's log lines start with.</summary>
    public string LogCategory =>
        Kind == TransportKind.Sockets ? "Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets" : "Kestrel.Rpc.Transport";

    /// <summary>Whether the transport itself must take the end points of the suite: nobody else may serve under its name.</summary>
    internal bool MustClaim => Kind != TransportKind.Sockets && Wrapper is null;

    /// <summary>The variant with every connection going through a deliberately broken wrapper.</summary>
    internal TransportVariant BrokenBy<TWrapper>()
        where TWrapper : IConnectionListenerFactory => this with { Wrapper = typeof(TWrapper) };

    /// <summary>An end point that nobody has: 127.0.0.1 with any free port.</summary>
    internal EndPoint NewEndPoint() => new IPEndPoint(IPAddress.Loopback, 0);

    /// <summary>Registers the transport, so that Kestrel takes it for its end points.</summary>
    internal void Register(IServiceCollection services, TransportSettings settings)
    {
        switch (Kind)
        {
            case TransportKind.Epoll:
                services.AddEpollTransport(options => Apply(options, settings));
                break;
            case TransportKind.IoUring:
                services.AddIoUringTransport(options =>
                {
                    Apply(options, settings);
                    options.Fallback = IoUringFallback.Fail;
                    options.SubmissionPolling.Enabled = Polling is TransportPolling.SubmissionQueue or TransportPolling.Both;
                    options.SubmissionPolling.IdleTime = TimeSpan.FromMilliseconds(1);
                });
                break;
            case TransportKind.Blocking:
                services.AddBlockingTransport(options =>
                {
                    options.ApplicationScheduling = Scheduling;
                    options.Polling.SpinTime = SpinTime;
                    settings.ApplyTo(options);
                });
                break;
            default:
                services.Configure<SocketTransportOptions>(settings.ApplyTo);
                break;
        }

        if (Wrapper is not null)
        {
            Wrap(services, Wrapper);
        }
    }

    /// <summary>The name of the variant: shown by the test explorer and parsed by <see cref="TransportVariants.Parse"/>.</summary>
    public override string ToString()
    {
        string name = Kind == TransportKind.Sockets ? nameof(TransportKind.Sockets) : $"{Kind}-{Loops}-{Scheduling}";
        name = Polling == TransportPolling.None ? name : $"{name}-{Polling}";
        name = Accept == AcceptStrategy.SharedListener ? name : $"{name}-{Accept}";
        return Wrapper is null ? name : $"{name}+{Wrapper.Name}";
    }

    private TimeSpan SpinTime => Polling switch
    {
        TransportPolling.Spin or TransportPolling.Both => Timeout.InfiniteTimeSpan,
        TransportPolling.SpinThenSleep => TimeSpan.FromMicroseconds(50),
        _ => TimeSpan.Zero,
    };

    private void Apply(LinuxTransportOptions options, TransportSettings settings)
    {
        options.LoopCount = Loops;
        options.ApplicationScheduling = Scheduling;
        options.AcceptStrategy = Accept;
        options.Polling.SpinTime = SpinTime;
        settings.ApplyTo(options);
    }

    private static void Wrap(IServiceCollection services, Type wrapper)
    {
        ServiceDescriptor inner = services.Last(service => service.ServiceType == typeof(IConnectionListenerFactory));
        services.Remove(inner);
        services.AddSingleton(provider => (IConnectionListenerFactory)Activator.CreateInstance(
            wrapper,
            inner.ImplementationFactory?.Invoke(provider) ?? ActivatorUtilities.CreateInstance(provider, inner.ImplementationType!))!);
    }
}
