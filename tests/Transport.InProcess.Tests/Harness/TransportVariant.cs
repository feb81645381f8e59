using System.Net;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// The transport as the conformance suite runs it. It claims every end point in each variant, because the suite also listens on
/// addresses of its own choice; <paramref name="Named"/> decides where it listens otherwise.
/// </summary>
public sealed record TransportVariant(InProcessScheduling Scheduling, bool Named)
{
    /// <summary>Whether handlers run within the other side's flush, where they must not block.</summary>
    public bool IsInline => Scheduling == InProcessScheduling.Inline;

    /// <summary>What the categories of the transport's log lines start with.</summary>
    public string LogCategory => "Kestrel.Rpc.Transport";

    /// <summary>There are no loops; checks that count by them count one.</summary>
    public int Loops => 1;

    /// <summary>The transport must take every end point of the suite.</summary>
    internal bool MustClaim => true;

    /// <summary>An end point that nobody has.</summary>
    internal EndPoint NewEndPoint() => Named ? new InProcessEndPoint($"suite {Guid.NewGuid():n}") : new IPEndPoint(IPAddress.Loopback, 0);

    /// <summary>Registers the transport, so that Kestrel takes it for its end points.</summary>
    internal void Register(IServiceCollection services, TransportSettings settings) => services.AddInProcessTransport(options =>
    {
        options.ClaimEveryEndPoint = true;
        options.Scheduling = Scheduling;
        settings.ApplyTo(options);
    });

    /// <summary>The name of the variant: shown by the test explorer and parsed by <see cref="TransportVariants.Parse"/>.</summary>
    public override string ToString() => $"{(Named ? "Name" : "Tcp")}-{Scheduling}";
}
