using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>
/// A network server as a source: its calls are objects of its own that are used again, the reply completes them, and nothing is boxed or
/// allocated for the invocation. It needs no more than a <see cref="ReplyTarget{TRet}"/> for each call and somebody to hand it to.
/// </summary>
public sealed class ConnectionSourceTests
{
    [Fact]
    public void Calls_OfAConnection_AllocateNothing()
    {
        IInvocationHandler<Call, int> handler = InvocationHandler.FromFunction((Call call) => call.Number * 2);
        var call = new Call();
        void Serve(int number)
        {
            Invocation<Call, int> invocation = call.Begin(number);
            ValueTask handling = handler.DispatchAsync(invocation);
            if (!handling.IsCompletedSuccessfully || call.LastReply != number * 2)
            {
                Assert.Fail($"{call.LastReply} in reply to {number}");
            }
        }

        Serve(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int number = 0; number < 1000; number++)
        {
            Serve(number);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public async Task Socket_LinesAsCalls_AreAnsweredByTheRootHandlerBesideAChannel()
    {
        var merged = new MergedSource<string, string>();
        var inProcess = new InvocationChannel<string, string>();
        var network = new InvocationChannel<string, string>(); // what the connections feed
        merged.Add(inProcess.Source);
        merged.Add(network.Source);
        IInvocationHandler<string, string> root = InvocationHandler.FromFunction((string line) => line.ToUpperInvariant());
        Task serving = new InvocationServer<string, string>(merged, root).RunAsync();

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task accepting = ServeOneAsync(listener, network.Client);
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint).Limited();
        using var reader = new StreamReader(client.GetStream());
        await using var writer = new StreamWriter(client.GetStream()) { AutoFlush = true };
        for (int line = 0; line < 20; line++)
        {
            await writer.WriteLineAsync($"line {line}").Limited();
            Assert.Equal($"LINE {line}", await reader.ReadLineAsync().Limited());
            Assert.Equal("HERE", await inProcess.Client.InvokeAsync("here").Limited());
        }

        client.Client.Shutdown(SocketShutdown.Send);
        await accepting.Limited();
        merged.Complete();
        inProcess.Source.Complete();
        network.Source.Complete();
        await serving.Limited();
    }

    /// <summary>Stream, frames (lines), messages: the connection's own; the handler is somebody else's.</summary>
    private static async Task ServeOneAsync(TcpListener listener, IInvocationHandler<string, string> handler)
    {
        using TcpClient connection = await listener.AcceptTcpClientAsync();
        using var reader = new StreamReader(connection.GetStream());
        await using var writer = new StreamWriter(connection.GetStream()) { AutoFlush = true };
        while (await reader.ReadLineAsync() is { } line)
        {
            await writer.WriteLineAsync(await handler.InvokeAsync(line));
        }
    }

    /// <summary>As a server's call context is: made once, used for one call after the other.</summary>
    private sealed class Call
    {
        private readonly Completion _completion;

        public Call() => _completion = new Completion(this);

        public int Number { get; private set; }

        public int LastReply { get; private set; }

        public Invocation<Call, int> Begin(int number)
        {
            Number = number;
            return new Invocation<Call, int>(this, _completion, _completion.Begin());
        }

        private sealed class Completion(Call call) : ReplyTarget<int>
        {
            public long Begin() => Arm();

            protected override void OnReply(in InvocationResult<int> result) => call.LastReply = result.Value;
        }
    }
}
