using System.Globalization;
using System.Net;
using Bare;
using Microsoft.AspNetCore.Connections;

// Two protocols on bare connection handlers: no HTTP, no RPC, only bytes. See README.md.
int[] ports = args.Length == 0 ? [9009, 9010] : [.. args.Select(arg => int.Parse(arg, CultureInfo.InvariantCulture))];

var builder = WebApplication.CreateBuilder();
builder.WebHost.UseIoUring(options => options.MaxConnections = 10_000);   // beyond that, peers are reset at once
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Listen(IPAddress.Loopback, ports[0], listen => listen.UseConnectionHandler<DiscardHandler>());
    kestrel.Listen(IPAddress.Loopback, ports[1], listen => listen.UseConnectionHandler<ByteCountHandler>());
});
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

var app = builder.Build();
app.Lifetime.ApplicationStarted.Register(() =>
    Console.WriteLine($"discard on 127.0.0.1:{ports[0]}, byte count on 127.0.0.1:{ports[1]}"));
app.Run();
