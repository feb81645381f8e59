using System.Net;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace GreeterSample;

/// <summary>The client's side: calls every method of greeter.proto and prints what comes back.</summary>
internal static class Visitor
{
    public static async Task VisitAsync(int port)
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        var greeter = new Greeter.GreeterClient(connection);

        HelloReply reply = await greeter.HelloAsync(new HelloRequest { Msg = "world" }, deadline: TimeSpan.FromSeconds(30));
        Console.WriteLine(reply.Msg);

        using RpcServerStreamingCall<HelloReply> repeat = greeter.Repeat(new RepeatRequest { Msg = "again", Times = 2 });
        await foreach (HelloReply one in repeat.Replies.ReadAllAsync())
        {
            Console.WriteLine(one.Msg);
        }

        using RpcClientStreamingCall<HelloRequest, HelloReply> all = greeter.HelloAll();
        await all.Requests.WriteAsync(new HelloRequest { Msg = "Ada" });
        await all.Requests.WriteAsync(new HelloRequest { Msg = "Grace" });
        await all.Requests.CompleteAsync();
        Console.WriteLine((await all.ReplyAsync).Msg);

        using RpcDuplexStreamingCall<HelloRequest, HelloReply> meet = greeter.Meet();
        foreach (string name in new[] { "Alan", "Edsger" })
        {
            await meet.Requests.WriteAsync(new HelloRequest { Msg = name });
            await meet.Replies.MoveNextAsync();
            Console.WriteLine(meet.Replies.Current.Msg);
        }

        await meet.Requests.CompleteAsync();
        await greeter.LeaveAsync(new HelloRequest { Msg = "The visitor" });
    }
}
