using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Invocation;
using Kestrel.Rpc.Middleware;
using MergedServer;

// One handler, and everybody who asks it: clients inside this process and clients of the network.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.Services.AddRpc();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
var app = builder.Build();

// The calls of a method wait in a bounded buffer until somebody receives them; full, it lets them wait, or refuses them.
RpcMethodSource<StringValue, StringValue> network =
    app.MapRpcSource<StringValue, StringValue>("greeter/Hello", new RpcSourceOptions { Capacity = 64, RejectsWhenFull = true });

// The calls of many methods as one source: here the call itself is the argument.
RpcCallSource orders = app.MapRpcGroup("shop").MapRpcSource();
orders.MapRpc<StringValue>("Orders/Place");
orders.MapRpc<StringValue>("Orders/Cancel");
await app.StartAsync();
await using RpcConnection client = await RpcConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, new Uri(app.Urls.First()).Port));

// 1. One buffer of both, one root handler.
var inside = new InvocationChannel<StringValue, StringValue>();
var requests = new MergedSource<StringValue, StringValue>();
requests.Add(network);
requests.Add(inside.Source);
var greeter = new Greeter();
Task serving = new InvocationServer<StringValue, StringValue>(requests, greeter).RunAsync();
Console.WriteLine((await client.CallAsync<StringValue, StringValue>("greeter", "Hello", new StringValue { Value = "network" })).Value);
Console.WriteLine((await inside.Client.InvokeAsync(new StringValue { Value = "process" })).Value);

// 2. The reply may come later, from anybody: the root handler has put this one aside.
Task<StringValue> waiting = client.CallAsync<StringValue, StringValue>("greeter", "Hello", new StringValue { Value = "later" }).AsTask();
await greeter.PutAside;
Console.WriteLine($"put aside, answered already: {waiting.IsCompleted}");
greeter.Finish();
Console.WriteLine((await waiting).Value);

// 3. Pulled, without a handler: a thread that receives one request after the other.
var thread = new Thread(() =>
{
    while (orders.Receive(out Invocation<RpcContext, IMessage> request))
    {
        RpcContext call = request.Argument;
        request.Reply(new StringValue { Value = $"{call.Method} {((StringValue)call.Request).Value}: done" });
    }
});
thread.Start();
foreach (string method in new[] { "Place", "Cancel" })
{
    Console.WriteLine((await client.CallAsync<StringValue, StringValue>("shop.Orders", method, new StringValue { Value = "apples" })).Value);
}

// When the host has stopped, the sources of the network have ended, and so does what serves them; the channel is ours to end.
requests.Complete();
inside.Source.Complete();
await client.DisposeAsync();
await app.StopAsync();
await serving;
thread.Join();
Console.WriteLine("done");
