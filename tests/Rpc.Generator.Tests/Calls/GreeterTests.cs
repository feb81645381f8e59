using System.Buffers;
using System.IO.Pipelines;
using Golden.Hello;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>The golden bytes of docs/wire-protocol.md and a service that was generated.</summary>
public sealed class GreeterTests
{
    private const string ProtocolData =
        "7b22736572766963655f6e616d65223a2268656c6c6f776f726c64222c" // {"service_name":"helloworld",
        + "226d6574686f645f6e616d65223a2248656c6c6f227d";           // "method_name":"Hello"}

    private static readonly byte[] Request = Convert.FromHexString("12340101000000010000003300000007" + ProtocolData + "0a05776f726c64");
    private static readonly byte[] Reply = Convert.FromHexString("1234010200000001000000330000000d" + ProtocolData + "0a0b48656c6c6f20776f726c64");

    [Fact]
    public async Task GoldenRequest_ToTheGeneratedService_GetsTheGoldenReply()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(_ => { }, app => app.MapRpcService<GreeterService>());
        await using ConnectionContext connection = await host.ConnectAsync();

        await connection.Transport.Output.WriteAsync(Request).AsTask().Limited();
        ReadResult read = await connection.Transport.Input.ReadAtLeastAsync(Reply.Length).Limited();

        Assert.Equal(Convert.ToHexString(Reply), Convert.ToHexString(read.Buffer.ToArray()));
    }

    [Fact]
    public async Task Service_MappedWithAName_AnswersToThatName()
    {
        await using ServiceHost host = await ServiceHost.StartAsync(_ => { }, app => app.MapRpcService<GreeterService>("hallo"));

        HelloReply reply = await host.Connection.CallAsync<HelloRequest, HelloReply>("hallo", "Hello", new HelloRequest { Msg = "Welt" }).Limited();

        Assert.Equal("Hello Welt", reply.Msg);
    }

    private sealed class GreeterService : Greeter.GreeterBase
    {
        public override ValueTask<HelloReply> Hello(HelloRequest request, RpcContext context) =>
            ValueTask.FromResult(new HelloReply { Msg = $"Hello {request.Msg}" });
    }
}
