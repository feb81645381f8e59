using System.Globalization;
using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Hello;
using Kestrel.Rpc.Middleware;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>The contract's service, and what it has seen.</summary>
internal sealed class ShopService(ShopLog log, IRpcContextAccessor? accessor = null) : IShop
{
    public async ValueTask<HelloReply> FindAsync(HelloRequest request, CancellationToken cancellationToken = default)
    {
        if (request.Msg == "wait")
        {
            log.Waits.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            finally
            {
                log.Cancelled.TrySetResult(cancellationToken.IsCancellationRequested);
            }
        }

        return new HelloReply { Msg = $"found {request.Msg} {accessor?.Context?.Method}" };
    }

    public async Task<HelloReply> FindSlowly(HelloRequest request)
    {
        await Task.Yield();
        return new HelloReply { Msg = $"slowly {request.Msg} {accessor?.Context?.Method}" };
    }

    public Task SaveAsync(HelloRequest request, CancellationToken cancellationToken)
    {
        log.Saved.Enqueue(request.Msg);
        return Task.CompletedTask;
    }

    public async ValueTask ForgetAsync(CancellationToken cancellationToken, HelloRequest request)
    {
        await Task.Yield();
        log.Saved.Enqueue($"no {request.Msg}");
    }

    public Task NotifyAsync(HelloRequest request)
    {
        log.Notified.TrySetResult(request.Msg);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<StringValue> CountAsync(Int32Value request, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        try
        {
            for (int i = 1; i <= request.Value; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new StringValue { Value = i.ToString(CultureInfo.InvariantCulture) };
            }
        }
        finally
        {
            log.CountEnded.TrySetResult();
        }
    }

    public async Task<Int32Value> SumAsync(IAsyncEnumerable<Int32Value> requests, CancellationToken cancellationToken = default)
    {
        int sum = 0;
        await foreach (Int32Value request in requests.WithCancellation(cancellationToken))
        {
            if (request.Value < 0)
            {
                return request.Value == -1 ? new Int32Value { Value = sum } : throw new InvalidOperationException("as asked");
            }

            sum += request.Value;
        }

        return new Int32Value { Value = sum };
    }

    public async ValueTask DrainAsync(IAsyncEnumerable<Int32Value> requests, CancellationToken cancellationToken = default)
    {
        await foreach (Int32Value request in requests)
        {
            log.Saved.Enqueue(request.Value.ToString(CultureInfo.InvariantCulture));
        }
    }

    public async IAsyncEnumerable<Int32Value> DoubleAsync(
        IAsyncEnumerable<Int32Value> requests, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (Int32Value request in requests.WithCancellation(cancellationToken))
        {
            if (request.Value < 0)
            {
                yield break;
            }

            yield return new Int32Value { Value = request.Value * 2 };
        }
    }
}
