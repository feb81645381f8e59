using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// What hostile or broken peers send. Every case: what the peer sees, exactly one log line, another connection is untouched,
/// and nothing is left over.
/// </summary>
public sealed class BadInputTests
{
    public static TheoryData<TransportKind, string> Unrecoverable => Cross(
        "wrong magic", "unsupported version", "unknown type", "a reply", "protocol data too long", "body too long", "overflowing lengths");

    public static TheoryData<TransportKind, string> Recoverable => Cross(
        "malformed protocol data", "empty protocol data", "no method name", "names that are no strings", "unknown service", "unknown method",
        "body that is not the message", "handler that throws", "handler that refuses", "handler without reply");

    [Theory, MemberData(nameof(Unrecoverable))]
    public async Task Frame_CannotBeAccepted_EarlierCallsAnsweredErrorSentConnectionClosed(TransportKind transport, string fault)
    {
        const uint Id = 77;
        (byte[] bytes, bool isAnswered) = fault switch
        {
            "wrong magic" => ("GET / HTTP/1.1\r\n\r\n"u8.ToArray(), false),
            "unsupported version" => (Golden.Header(version: 9, type: 1, Id, 0, 0), true),
            "unknown type" => (Golden.Header(version: 1, type: 3, Id, 0, 0), true),
            "a reply" => (Golden.Frame(Id, "{}"u8, [], RpcFrameType.Response), true),
            "protocol data too long" => (Golden.Header(version: 1, type: 1, Id, 64 * 1024 + 1, 0), true),
            "body too long" => (Golden.Header(version: 1, type: 1, Id, 51, 4 * 1024 * 1024 + 1), true),
            "overflowing lengths" => (Golden.Header(version: 1, type: 1, Id, 0xFFFFFFFF, 0xFFFFFFFF), true),
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
        await using TestServer server = await StartAsync(transport);
        await using RawPeer bystander = await server.ConnectAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await bystander.SendAsync(Golden.Request);
        await bystander.ReceiveAsync();
        await peer.SendAsync((byte[])[.. Golden.Call(1), .. Golden.Call(2), .. bytes]);

        List<RawReply> replies = [.. await peer.ReceiveAsync(isAnswered ? 3 : 2)];
        await peer.ExpectEndAsync();
        Assert.Equal([1u, 2u], replies.Where(reply => reply.Data.ErrorCode is null).Select(reply => reply.SequenceId).Order());
        if (isAnswered)
        {
            ExpectError(Assert.Single(replies, reply => reply.SequenceId == Id), RpcErrorCode.Decoding);
        }

        await ExpectQuietAsync(server, bystander, logId: 23);
    }

    [Theory, MemberData(nameof(Recoverable))]
    public async Task Call_CannotBeServed_ErrorSentConnectionGoesOn(TransportKind transport, string fault)
    {
        const uint Id = 77;
        const string Names = """{"service_name":"helloworld","method_name":"Hello"}""";
        (byte[] bytes, RpcErrorCode code, int logId, string message) = fault switch
        {
            "malformed protocol data" => (Golden.Call(Id, "{\"service_name\":", []), RpcErrorCode.Decoding, 30, "protocol data"),
            "empty protocol data" => (Golden.Call(Id, "", []), RpcErrorCode.Decoding, 30, "protocol data"),
            "no method name" => (Golden.Call(Id, """{"service_name":"helloworld"}""", []), RpcErrorCode.Decoding, 30, "MethodName"),
            "names that are no strings" =>
                (Golden.Call(Id, """{"service_name":1,"method_name":2}""", []), RpcErrorCode.Decoding, 30, "protocol data"),
            "unknown service" => (Golden.Call(Id, name: "nobody/Hello"), RpcErrorCode.Server, 30, "There is no service 'nobody'."),
            "unknown method" =>
                (Golden.Call(Id, name: "helloworld/Nothing"), RpcErrorCode.Server, 30, "Service 'helloworld' has no method 'Nothing'."),
            "body that is not the message" =>
                (Golden.Call(Id, Names, [0x0A, 0xFF]), RpcErrorCode.Deserialization, 31, "not a HelloRequest"),
            "handler that throws" => (Golden.Call(Id, "throw"), RpcErrorCode.Server, 32, "The handler failed."),
            "handler that refuses" => (Golden.Call(Id, "refuse"), RpcErrorCode.Timeout, 31, "too slow"),
            "handler without reply" => (Golden.Call(Id, "nothing"), RpcErrorCode.Server, 34, "no reply"),
            _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, null),
        };
        await using TestServer server = await StartAsync(transport);
        await using RawPeer bystander = await server.ConnectAsync();
        await using RawPeer peer = await server.ConnectAsync();

        await bystander.SendAsync(Golden.Request);
        await bystander.ReceiveAsync();
        await peer.SendAsync((byte[])[.. Golden.Call(1), .. bytes, .. Golden.Call(2)]);
        List<RawReply> replies = [.. await peer.ReceiveAsync(3)];
        await peer.SendAsync(Golden.Call(3));
        replies.Add(await peer.ReceiveAsync());
        peer.EndSending();
        await peer.ExpectEndAsync();

        Assert.Equal([1u, 2u, 3u], replies.Where(reply => reply.Data.ErrorCode is null).Select(reply => reply.SequenceId).Order());
        RawReply error = Assert.Single(replies, reply => reply.SequenceId == Id);
        ExpectError(error, code);
        Assert.Contains(message, error.Data.ErrorMessage, StringComparison.Ordinal);
        await ExpectQuietAsync(server, bystander, logId);
    }

    [Theory, MemberData(nameof(Transports.All), MemberType = typeof(Transports))]
    public async Task Frame_CutOffByEndOfInput_IsDroppedAndLoggedAtEveryLength(TransportKind transport)
    {
        await using TestServer server = await StartAsync(transport);
        for (int length = 2; length < Golden.Request.Length; length++)
        {
            await using RawPeer peer = await server.ConnectAsync();
            await peer.SendAsync((byte[])[.. Golden.Call(5), .. Golden.Request[..length]]);
            peer.EndSending();

            Assert.Equal(5u, (await peer.ReceiveAsync()).SequenceId);
            await peer.ExpectEndAsync();
        }

        await server.ExpectNothingLeftAsync();
        Assert.Equal(Golden.Request.Length - 2, server.Logs.Ours.Count);
        Assert.All(server.Logs.Ours, line => Assert.Equal(24, line.Id));
    }

    [Fact]
    public async Task Body_RefusedWhilePeerIsStillSending_ErrorArrivesAllTheSame()
    {
        await using TestServer server = await StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();
        const int Length = 8 * 1024 * 1024;

        await peer.SendAsync(Golden.Header(version: 1, type: 1, 42, 51, Length));
        await peer.SendAsync(new byte[51 + Length]);

        RawReply reply = await peer.ReceiveAsync();
        Assert.Equal(42u, reply.SequenceId);
        ExpectError(reply, RpcErrorCode.Decoding);
        await peer.ExpectEndAsync();
    }

    [Theory]
    [InlineData(false, "The handler failed.")]
    [InlineData(true, "InvalidOperationException: secret")]
    public async Task Handler_Throws_DetailsOnlyWithTheOption(bool isDetailed, string message)
    {
        await using TestServer server = await StartAsync(TransportKind.Sockets, isDetailed);
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "throw"), .. Golden.Call(2, "throw later")]);
        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(2);

        Assert.All(replies, reply => Assert.Equal(message, reply.Data.ErrorMessage));
        IReadOnlyList<LogLine> lines = await server.Logs.WaitForAsync(32, count: 2);
        Assert.All(lines, line => Assert.Equal("secret", line.Exception?.Message));
        Assert.All(lines, line => Assert.Equal(LogLevel.Error, line.Level));
    }

    [Fact]
    public async Task Handler_RefusesWithUnknownCode_ServerErrorIsSent()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, Task<HelloReply> (HelloRequest _) => throw new RpcException((RpcErrorCode)99, "odd")),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Request);

        ExpectError(await peer.ReceiveAsync(), RpcErrorCode.Server);
    }

    [Fact]
    public async Task Reply_OverTheLimit_ErrorInItsPlace()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Limits.MaxBodyLength = 1000,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request) => new HelloReply { Msg = new string('x', int.Parse(request.Msg)) }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync((byte[])[.. Golden.Call(1, "1001"), .. Golden.Call(2, "10")]);
        IReadOnlyList<RawReply> replies = await peer.ReceiveAsync(2);

        ExpectError(Assert.Single(replies, reply => reply.SequenceId == 1), RpcErrorCode.Encoding);
        Assert.Equal("xxxxxxxxxx", Assert.Single(replies, reply => reply.SequenceId == 2).Msg);
        Assert.Equal(35, Assert.Single(await server.Logs.WaitForAsync(35)).Id);
    }

    [Fact]
    public async Task UnknownNames_WithControlCharactersAndLength_MakeOneCleanLogLine()
    {
        await using TestServer server = await StartAsync(TransportKind.Sockets);
        await using RawPeer peer = await server.ConnectAsync();
        string service = "evil\\r\\nfake line" + new string('x', 5000);

        await peer.SendAsync(Golden.Call(1, $$"""{"service_name":"{{service}}","method_name":"m"}""", []));
        ExpectError(await peer.ReceiveAsync(), RpcErrorCode.Server);

        LogLine line = Assert.Single(await server.Logs.WaitForAsync(30));
        Assert.DoesNotContain(line.Message, char.IsControl);
        Assert.InRange(line.Message.Length, 1, 400);
    }

    private static Task<TestServer> StartAsync(TransportKind transport, bool isDetailed = false) => TestServer.StartAsync(new TestServerSetup
    {
        Transport = transport,
        Rpc = options => options.EnableDetailedErrors = isDetailed,
        App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
        {
            switch (request.Msg)
            {
                case "throw":
                    throw new InvalidOperationException("secret");
                case "throw later":
                    await Task.Yield();
                    throw new InvalidOperationException("secret");
                case "refuse":
                    throw new RpcException(RpcErrorCode.Timeout, "too slow");
                default:
                    return request.Msg == "nothing" ? null! : new HelloReply { Msg = request.Msg };
            }
        }),
    });

    private static void ExpectError(RawReply reply, RpcErrorCode code)
    {
        Assert.Equal(code.ToWireName(), reply.Data.ErrorCode);
        Assert.NotEqual("", reply.Data.ErrorMessage ?? "");
        Assert.Equal(RpcErrorReply.Body.ToArray(), reply.Body);
    }

    private static async Task ExpectQuietAsync(TestServer server, RawPeer bystander, int logId)
    {
        await bystander.SendAsync(Golden.Call(2, "still here"));
        Assert.Equal("still here", (await bystander.ReceiveAsync()).Msg);
        bystander.EndSending();
        await bystander.ExpectEndAsync();
        await server.ExpectNothingLeftAsync();
        Assert.NotEqual(0, server.Memory.EverRented);
        Assert.Equal(logId, Assert.Single(server.Logs.Ours).Id);
        Assert.DoesNotContain(server.Logs.All, line => line.Level >= LogLevel.Error && line.Id != logId);
    }

    private static TheoryData<TransportKind, string> Cross(params string[] faults)
    {
        TheoryData<TransportKind, string> data = [];
        foreach (TransportKind transport in Enum.GetValues<TransportKind>())
        {
            foreach (string fault in faults)
            {
                data.Add(transport, fault);
            }
        }

        return data;
    }
}
