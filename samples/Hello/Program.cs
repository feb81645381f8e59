using System.Net;
using System.Net.Sockets;
using Hello;
using Microsoft.AspNetCore.Connections;

if (args is ["--help"])
{
    Console.WriteLine(Arguments.Usage);
    return 0;
}

string[] settings = [.. args.Where(Arguments.IsHostSetting)];
if (!Arguments.TryParse([.. args.Except(settings)], out Arguments? arguments, out string? fault))
{
    Console.Error.WriteLine($"{fault}\n\n{Arguments.Usage}");
    return 2;
}

if (arguments.Name is not null)
{
    return await Caller.CallAsync(arguments.Port, arguments.Name);
}

var builder = WebApplication.CreateBuilder(settings);
builder.WebHost.UseTransport(arguments.Transport);                                   // UseIoUring(), UseEpoll() or nothing
builder.Services.AddRpc();
builder.WebHost.ConfigureKestrel(kestrel =>
    kestrel.Listen(IPAddress.Loopback, arguments.Port, listen => listen.UseRpc()));  // RPC and HTTP on one port
builder.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);

var app = builder.Build();
app.MapRpc("helloworld/Hello", (HelloRequest request) => new HelloReply { Msg = $"Hello {request.Msg}" })
    .WithWireName("myrpc.helloworld.Greeter/Hello");
app.MapGet("/", () => "Hello over HTTP\n");
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine(arguments.Greeting(new Uri(app.Urls.First()).Port)));

try
{
    app.Run();
    return 0;
}
catch (IOException exception) when (exception.InnerException is AddressInUseException)
{
    Console.Error.WriteLine($"Port {arguments.Port} is in use. Choose another one with --port N.");
    return 1;
}
catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AccessDenied)
{
    Console.Error.WriteLine($"Port {arguments.Port} may not be used by this user. Choose another one with --port N.");
    return 1;
}
