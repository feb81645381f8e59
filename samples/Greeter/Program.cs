using System.Globalization;
using System.Net;
using GreeterSample;

// A service from a .proto, and its client. See README.md.
int port = args.Length > 0 && args[^1] != "call" ? int.Parse(args[^1], CultureInfo.InvariantCulture) : 8000;
if (args is ["call", ..])
{
    await Visitor.VisitAsync(port);
    return;
}

var builder = WebApplication.CreateBuilder();
builder.WebHost.UseIoUring();                        // any Kestrel app; falls back to epoll and logs why
builder.Services.AddRpc();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.UseRpc()));
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);

var app = builder.Build();
app.MapRpcService<GreeterService>();                 // the methods of greeter.proto
app.MapGet("/", () => "HTTP beside it\n");
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"greeter on 127.0.0.1:{port}"));
app.Run();
