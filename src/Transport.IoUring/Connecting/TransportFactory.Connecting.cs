using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

internal abstract partial class TransportFactory
{
    /// <summary>How names become addresses; tests have their own.</summary>
    internal Func<DnsEndPoint, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } =
        static (name, cancellationToken) => Dns.GetHostAddressesAsync(name.Host, name.AddressFamily, cancellationToken);

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        var deadline = new ConnectDeadline(_options.ConnectTimeout, _timeProvider);
        return endpoint switch
        {
            IPEndPoint or UnixDomainSocketEndPoint => await ConnectAsync(endpoint, deadline.Left, cancellationToken).ConfigureAwait(false),
            DnsEndPoint name => await ConnectAsync(name, deadline, cancellationToken).ConfigureAwait(false),
            _ => throw new NotSupportedException($"This transport cannot connect to {endpoint} ({endpoint.GetType().Name})."),
        };
    }

    private async Task<ConnectionContext> ConnectAsync(DnsEndPoint name, ConnectDeadline deadline, CancellationToken cancellationToken)
    {
        IPAddress[] addresses;
        try
        {
            addresses = await Resolve(name, cancellationToken).WaitAsync(deadline.Left, _timeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw ConnectErrors.TimedOut(name, _options.ConnectTimeout);
        }

        var errors = new List<SocketException>(addresses.Length);
        for (int i = 0; i < addresses.Length; i++)
        {
            try
            {
                // An address that never answers leaves time for those behind it.
                TimeSpan limit = deadline.ShareOf(addresses.Length - i);
                return await ConnectAsync(new IPEndPoint(addresses[i], name.Port), limit, cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException e)
            {
                errors.Add(e);
            }
        }

        throw errors.Count == 0 ? ConnectErrors.NoAddress(name) : ConnectErrors.NoneReached(name, errors);
    }

    private async Task<ConnectionContext> ConnectAsync(EndPoint endPoint, TimeSpan limit, CancellationToken cancellationToken)
    {
        EventLoop loop = StartLoops().TakeLeastLoaded();
        return await new ConnectAttempt(loop, endPoint, _settings!, _timeProvider).RunAsync(limit, cancellationToken).ConfigureAwait(false);
    }
}
