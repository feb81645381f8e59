using System.Threading.RateLimiting;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Random calls, cancellations, time limits, priorities and ends of connections, through all kinds of gates at once: no place is lost, given twice, or kept.</summary>
public sealed class GateStressTests
{
    private const int Workers = 4;
    private const int Connections = 25; // of each worker
    private const int OfServer = 3;
    private const int OfLimiter = 4;

    private static readonly string[] Names = [Golden.Name, "helloworld/Limited", "helloworld/Dedicated"];
    private static readonly string[] Priorities = ["low", "normal", "high"];

    private int _running;
    private int _most;
    private int _ran;

    [Theory]
    [InlineData(RpcLimitPolicy.Wait, RpcLimitPolicy.Wait, null)]
    [InlineData(RpcLimitPolicy.RunInPlace, RpcLimitPolicy.Wait, RpcLimitPolicy.Reject)]
    [InlineData(RpcLimitPolicy.Wait, RpcLimitPolicy.RunInPlace, RpcLimitPolicy.Wait)]
    [InlineData(RpcLimitPolicy.Reject, RpcLimitPolicy.RunInPlace, RpcLimitPolicy.RunInPlace)]
    public async Task Gates_RandomCallsAndEnds_NothingIsLeft(RpcLimitPolicy ofServer, RpcLimitPolicy ofMethod, RpcLimitPolicy? ofConnection)
    {
        await using ConcurrencyLimiter limiter = new(new ConcurrencyLimiterOptions { PermitLimit = OfLimiter, QueueLimit = 3 });
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options =>
            {
                options.Limits.Calls.MaxConcurrentCalls = OfServer;
                options.Limits.Calls.AtLimit = ofServer;
                options.Limits.Calls.MaxWaitingCalls = 10;
                options.Limits.PriorityKey = "rpc-priority";
                if (ofConnection is { } policy)
                {
                    options.Limits.CallsPerConnection.MaxConcurrentCalls = 2;
                    options.Limits.CallsPerConnection.AtLimit = policy;
                }
            },
            App = app =>
            {
                app.MapRpc(Golden.Name, HandleAsync).RequireConcurrency(2, ofMethod);
                app.MapRpc("helloworld/Limited", HandleAsync).RequireRateLimiter(limiter);
                app.MapRpc("helloworld/Dedicated", HandleAsync).WithScheduling(RpcScheduling.Dedicated);
            },
        });

        await Parallel.ForAsync(0, Workers, new ParallelOptions { MaxDegreeOfParallelism = Workers }, async (worker, _) =>
        {
            Random random = new(worker);
            for (int i = 0; i < Connections; i++)
            {
                await UseAsync(await server.ConnectAsync(), random);
            }
        });

        await server.ExpectNothingLeftAsync();
        RpcConcurrencyGate gate = server.Rpc().Gates.Server!;
        Assert.Equal((0, 0, 0), (gate.Running, gate.Waiting, _running));
        RateLimiterStatistics permits = limiter.GetStatistics()!;
        Assert.Equal((OfLimiter, 0), (permits.CurrentAvailablePermits, permits.CurrentQueuedCount));
        await using LimitPeer last = await LimitPeer.ConnectAsync(server, 2);
        foreach (string name in Names)
        {
            await last.CallAsync(1, "free", name: name);
            Assert.Equal((1u, "free"), await last.ReceiveAsync());
        }

        Assert.True(_ran > Connections, $"{_ran}");
        if (ofServer != RpcLimitPolicy.RunInPlace && ofConnection is null && ofMethod != RpcLimitPolicy.RunInPlace)
        {
            Assert.InRange(_most, 1, OfServer);
        }
    }

    private static async Task UseAsync(RawPeer raw, Random random)
    {
        Version2Peer peer = new(raw);
        Task reading = ReadAsync(peer);
        uint id = 1;
        for (int rounds = random.Next(1, 10); rounds > 0; rounds--)
        {
            List<byte[]> frames = [];
            for (int calls = random.Next(1, 30); calls > 0; calls--)
            {
                frames.Add(Version2Frames.Hello(id, new string('x', random.Next(1, 9)), Header(random), Names[random.Next(Names.Length)]));
                if (random.Next(3) == 0)
                {
                    frames.Add(Version2Frames.Cancel((uint)random.Next(1, (int)id + 1)));
                }

                id++;
            }

            await peer.SendAsync([.. frames]);
            if (random.Next(2) == 0)
            {
                await Task.Yield();
            }
        }

        if (random.Next(2) == 0)
        {
            raw.EndSending();
            await reading.InTime();
        }
        else
        {
            raw.Reset();
        }

        await raw.DisposeAsync();
        await reading.InTime();
    }

    private static RpcCallHeader Header(Random random) => new()
    {
        Timeout = random.Next(3) == 0 ? TimeSpan.FromMilliseconds(random.Next(1, 6)) : null,
        Metadata = new RpcMetadata { { "rpc-priority", Priorities[random.Next(Priorities.Length)] } },
    };

    private static async Task ReadAsync(Version2Peer peer)
    {
        try
        {
            while (await peer.TryReceiveAsync() is not null)
            {
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // The test has reset it: nobody waits for the rest.
        }
    }

    private async Task<HelloReply> HandleAsync(HelloRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _ran);
        int running = Interlocked.Increment(ref _running);
        int most = Volatile.Read(ref _most);
        while (running > most)
        {
            most = Interlocked.CompareExchange(ref _most, running, most) is var before && before == most ? running : before;
        }

        try
        {
            switch (request.Msg.Length % 3)
            {
                case 1:
                    await Task.Delay(1, cancellationToken); // ends on a timer, or is cancelled
                    break;
                case 2:
                    await Task.Yield();
                    break;
            }

            return new HelloReply { Msg = request.Msg };
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }
}
