using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Testing;

/// <summary>An address that a program reports, as an HTTP client needs it.</summary>
/// <param name="Uri">The base address.</param>
/// <param name="EndPoint">What to dial instead of what the URI says; null: what it says.</param>
internal sealed record ProgramAddress(Uri Uri, EndPoint? EndPoint)
{
    /// <summary>The wanted address if the program listens on its port, else its first HTTP address, else its first HTTPS address.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static ProgramAddress Preferred(IEnumerable<string> reported, IReadOnlyList<EndPoint> endPoints, Uri? wanted)
    {
        ProgramAddress[] addresses = [.. reported.Select(address => Parse(address, endPoints)).OfType<ProgramAddress>()];
        if (wanted is not null && addresses.Any(address =>
            address.EndPoint is null && address.Uri.Port == wanted.Port && address.Uri.Scheme == wanted.Scheme))
        {
            return new ProgramAddress(wanted, null);
        }

        return addresses.OrderBy(address => address.Uri.Scheme.Length).FirstOrDefault() // http before https
            ?? throw new InvalidOperationException("The program reports no address that an HTTP client could have.");
    }

    private static ProgramAddress? Parse(string address, IReadOnlyList<EndPoint> endPoints)
    {
        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            // An inherited descriptor, for example, has no address that a client could have.
            return null;
        }

        if (parsed.IsUnixPipe)
        {
            return new ProgramAddress(new Uri($"{parsed.Scheme}://localhost"), new UnixDomainSocketEndPoint(parsed.UnixPipePath));
        }

        if (endPoints.FirstOrDefault(endPoint => $"{parsed.Scheme}://{endPoint}" == address && endPoint is not IPEndPoint) is { } named)
        {
            return new ProgramAddress(new Uri($"{parsed.Scheme}://localhost"), named);
        }

        // A wildcard is an address to listen on, not one to ask for.
        string host = parsed.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "localhost" : parsed.Host;
        return Uri.TryCreate($"{parsed.Scheme}://{host}:{parsed.Port}", UriKind.Absolute, out Uri? uri) ? new ProgramAddress(uri, null) : null;
    }
}
