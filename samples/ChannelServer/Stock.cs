using Kestrel.Rpc.Invocation;

namespace ChannelServer;

/// <summary>So many of something.</summary>
internal sealed record Order(string Good, int Count);

/// <summary>What is left of it.</summary>
internal sealed record Receipt(int Left);

/// <summary>The root handler. An order for something unknown is answered when it is delivered, whenever that is.</summary>
internal sealed class Stock(params (string Good, int Count)[] goods) : IInvocationHandler<Order, Receipt>
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _counts = goods.ToDictionary(good => good.Good, good => good.Count);
    private readonly List<(Order Order, DeferredReply<Receipt> Reply)> _waiting = [];

    public ValueTask HandleAsync(Invocation<Order, Receipt> invocation)
    {
        lock (_lock)
        {
            if (_counts.ContainsKey(invocation.Argument.Good))
            {
                invocation.Reply(Take(invocation.Argument));
            }
            else
            {
                _waiting.Add((invocation.Argument, invocation.Defer())); // the one-shot callback, for later
            }
        }

        return default;
    }

    public void Deliver(string good, int count)
    {
        lock (_lock)
        {
            _counts[good] = _counts.GetValueOrDefault(good) + count;
            foreach ((Order order, DeferredReply<Receipt> reply) in _waiting.Where(waiting => waiting.Order.Good == good))
            {
                reply.Reply(Take(order));
            }

            _waiting.RemoveAll(waiting => waiting.Order.Good == good);
        }
    }

    private Receipt Take(Order order)
    {
        int left = _counts[order.Good] - order.Count;
        if (left < 0)
        {
            throw new InvalidOperationException($"there are only {_counts[order.Good]}");
        }

        _counts[order.Good] = left;
        return new Receipt(left);
    }
}
