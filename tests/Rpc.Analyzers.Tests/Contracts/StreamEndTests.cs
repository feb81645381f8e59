using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>Streams of a contract that end otherwise than at their ends.</summary>
public sealed class StreamEndTests
{
    private const int Stop = -1; // the service stops reading
    private const int Fail = -2; // the service fails

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ShopLog _log = new();

    [Fact]
    public async Task Requests_Throw_CallIsGivenUpAndThrowsThat()
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);

        Assert.Equal("mine", (await Assert.ThrowsAsync<FormatException>(() => shop.SumAsync(Broken()).InTime())).Message);
        Assert.Equal("mine", (await Assert.ThrowsAsync<FormatException>(() => ReadAsync(shop.DoubleAsync(Broken())).InTime())).Message);
        Assert.Equal(3, (await shop.SumAsync(Values(default, 1, 2)).InTime()).Value); // the connection has taken no harm
    }

    [Fact]
    public async Task Service_AnswersEarly_ReplyComesAndRequestsAreStopped()
    {
        await using InProcessServer server = await StartAsync();

        Int32Value reply = await new ShopClient(server.Connection).SumAsync(Endless(1, 2, Stop)).InTime();

        Assert.Equal(3, reply.Value);
        await _ended.Task.InTime();
    }

    [Fact]
    public async Task Service_AnswersEarly_RequestsThatHeedNoTokenKeepNobody()
    {
        await using InProcessServer server = await StartAsync();
        TaskCompletionSource never = new();

        Int32Value reply = await new ShopClient(server.Connection).SumAsync(Deaf(never.Task, 1, Stop)).InTime();

        Assert.Equal(1, reply.Value);
        never.SetResult();
    }

    [Fact]
    public async Task Service_EndsRepliesEarly_RequestsAreStopped()
    {
        await using InProcessServer server = await StartAsync();

        int[] replies = await ReadAsync(new ShopClient(server.Connection).DoubleAsync(Endless(1, Stop))).InTime();

        Assert.Equal([2], replies);
        await _ended.Task.InTime();
    }

    [Fact]
    public async Task Service_Fails_CallerLearnsItAndRequestsAreStopped()
    {
        await using InProcessServer server = await StartAsync();

        RpcException failure = await Assert.ThrowsAsync<RpcException>(() => new ShopClient(server.Connection).SumAsync(Endless(Fail)).InTime());

        Assert.Contains("as asked", failure.Message, StringComparison.Ordinal);
        await _ended.Task.InTime();
    }

    [Fact]
    public async Task Replies_LeftEarly_EndTheRequests()
    {
        await using InProcessServer server = await StartAsync();
        await foreach (Int32Value reply in new ShopClient(server.Connection).DoubleAsync(Endless(1, 2)))
        {
            Assert.Equal(2, reply.Value);
            break;
        }

        await _ended.Task.InTime();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Token_Fires_CallAndRequestsEnd(bool isDuplex)
    {
        await using InProcessServer server = await StartAsync();
        ShopClient shop = new(server.Connection);
        using CancellationTokenSource source = new();
        Task call = isDuplex ? ReadAsync(shop.DoubleAsync(Endless(1), source.Token)) : shop.SumAsync(Endless(1), source.Token);

        await _log.Waits.Task.InTime();
        await source.CancelAsync().InTime();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.InTime());
        await _ended.Task.InTime();
    }

    [Fact]
    public async Task Request_CannotBeSent_CallIsGivenUpAndSaysWhy()
    {
        await using InProcessServer server = await StartAsync();

        await Assert.ThrowsAsync<ArgumentNullException>(() => new ShopClient(server.Connection).SumAsync(Values(default, 1, null)).InTime());
    }

    private static async Task<int[]> ReadAsync(IAsyncEnumerable<Int32Value> replies)
    {
        List<int> values = [];
        await foreach (Int32Value reply in replies)
        {
            values.Add(reply.Value);
        }

        return [.. values];
    }

    private static async IAsyncEnumerable<Int32Value> Values(Exception? exception, params int?[] values)
    {
        foreach (int? value in values)
        {
            await Task.Yield();
            yield return value is { } known ? new Int32Value { Value = known } : null!;
        }

        if (exception is not null)
        {
            throw exception;
        }
    }

    private static IAsyncEnumerable<Int32Value> Broken() => Values(new FormatException("mine"), 1, 2);

    private static async IAsyncEnumerable<Int32Value> Deaf(Task never, params int[] values)
    {
        foreach (int value in values)
        {
            yield return new Int32Value { Value = value };
        }

        await never;
    }

    private IAsyncEnumerable<Int32Value> Endless(params int[] values) => EndlessAsync(values);

    private async IAsyncEnumerable<Int32Value> EndlessAsync(int[] values, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            foreach (int value in values)
            {
                yield return new Int32Value { Value = value };
            }

            _log.Waits.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    private Task<InProcessServer> StartAsync() => InProcessServer.StartAsync(
        app => app.MapRpcService<ShopService>(), services => services.AddSingleton(_log));
}
