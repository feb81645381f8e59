using System.Collections.Concurrent;
using System.Globalization;
using Hello;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Servers replace each other under load, and every call is accounted for.</summary>
public sealed class RollingRestartTests
{
    private const int Workers = 6;
    private const int CallsAtOnce = 8;
    private const int Restarts = 4;
    private const int AnswersBetween = 1000;

    public static IEnumerable<TheoryDataRow<TransportKind, int>> TransportsAndVersions =>
        from transport in Enum.GetValues<TransportKind>() from version in Enumerable.Range(1, 2) select new TheoryDataRow<TransportKind, int>(transport, version);

    [Theory, MemberData(nameof(TransportsAndVersions))]
    public async Task Restart_UnderLoad_LosesNoCallThatWasNotToldSo(TransportKind transport, int version)
    {
        Ledger ledger = new();
        TestServer server = await StartAsync(transport, ledger);
        TestServer current = server;
        using CancellationTokenSource enough = new();
        Task[] workers = [.. Enumerable.Range(0, Workers).Select(_ => Task.Run(() => WorkAsync(() => Volatile.Read(ref current), version, ledger, enough.Token)))];
        for (int i = 1; i <= Restarts; i++)
        {
            await ledger.WaitForAnswersAsync(i * AnswersBetween);
            TestServer next = await StartAsync(transport, ledger);
            Volatile.Write(ref current, next);
            await server.StopAsync(); // throws if it takes the host's whole time
            Assert.DoesNotContain(server.Logs.Ours, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
            await server.DisposeAsync();
            server = next;
        }

        await enough.CancelAsync();
        await Task.WhenAll(workers).InTime();
        await server.DisposeAsync();

        Assert.Empty(ledger.Untold);
        Assert.All(ledger.Executed, call => Assert.Equal(1, call.Value));
        Assert.Empty(ledger.Executed.Keys.Except(ledger.Answered.Keys)); // ran, and its caller knows nothing of it
        Assert.Empty(ledger.Answered.Keys.Except(ledger.Executed.Keys));
        Assert.True(ledger.Refused > 0 || version == 1, "No call met a server that stops: the test shows nothing.");
    }

    private static Task<TestServer> StartAsync(TransportKind transport, Ledger ledger) => TestServer.StartAsync(new TestServerSetup
    {
        Transport = transport,
        App = app => app.MapRpc(Golden.Name, async (HelloRequest request) =>
        {
            ledger.Executed.AddOrUpdate(request.Msg, 1, (_, count) => count + 1);
            if (request.Msg.EndsWith('3'))
            {
                await Task.Delay(2); // work, so that calls overlap with the stop
            }

            return new HelloReply { Msg = request.Msg };
        }),
    });

    private static async Task WorkAsync(Func<TestServer> current, int version, Ledger ledger, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            RpcConnection connection;
            try
            {
                connection = await RpcConnection.ConnectAsync(current().EndPoint, new RpcConnectionOptions { ProtocolVersion = version }, CancellationToken.None).InTime();
            }
            catch (RpcException)
            {
                continue; // stopped between the two: dial the next
            }

            await using (connection)
            {
                Use use = new(ledger, connection);
                while (!enough.IsCancellationRequested && !use.IsOver)
                {
                    await Task.WhenAll(Enumerable.Range(0, CallsAtOnce).Select(_ => use.CallAsync())).InTime();
                }
            }
        }
    }

    private sealed class Use(Ledger ledger, RpcConnection connection)
    {
        private bool _hasAnswered;

        public bool IsOver { get; private set; }

        public async Task CallAsync()
        {
            string id = ledger.NextId();
            try
            {
                HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", new HelloRequest { Msg = id });
                Assert.Equal(id, reply.Msg);
                _hasAnswered = true;
                ledger.Answer(id);
            }
            catch (RpcException exception)
            {
                IsOver = true;
                bool isTold = exception.IsNotProcessed || exception.Message == "The server stops.";

                // A connection that the listener had not accepted when it closed meets a reset, which only the kernel knows of.
                ledger.Refuse(id, isTold, isTold || !_hasAnswered ? null : exception);
            }
        }
    }

    private sealed class Ledger
    {
        private readonly TaskCompletionSource[] _reached =
            [.. Enumerable.Range(0, Restarts).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private int _ids;
        private int _answers;
        private int _refused;

        public ConcurrentDictionary<string, int> Executed { get; } = new();

        public ConcurrentDictionary<string, bool> Answered { get; } = new();

        public ConcurrentBag<(string Id, Exception Exception)> Untold { get; } = [];

        public int Refused => _refused;

        public string NextId() => Interlocked.Increment(ref _ids).ToString(CultureInfo.InvariantCulture);

        public Task WaitForAnswersAsync(int count) => _reached[(count / AnswersBetween) - 1].Task.InTime();

        public void Answer(string id)
        {
            Assert.True(Answered.TryAdd(id, true));
            int answers = Interlocked.Increment(ref _answers);
            if (answers % AnswersBetween == 0 && answers / AnswersBetween <= Restarts)
            {
                _reached[(answers / AnswersBetween) - 1].SetResult();
            }
        }

        public void Refuse(string id, bool isTold, Exception? untold)
        {
            _ = isTold ? Interlocked.Increment(ref _refused) : 0;
            if (untold is not null)
            {
                Untold.Add((id, untold));
            }
        }
    }
}
