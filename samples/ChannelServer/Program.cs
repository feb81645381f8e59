using System.Diagnostics;
using ChannelServer;
using Kestrel.Rpc.Invocation;

// A stock of goods behind one handler, and everybody who asks it inside this process: no network, no serialisation.
var stock = new Stock(("apples", 5), ("pears", 2));

// 1. A server is the messages of a source, and one root handler. The client holds the sender, the server the receiver.
var shop = new InvocationChannel<Order, Receipt>(new InvocationChannelOptions { Capacity = 8 });
var sources = new MergedSource<Order, Receipt>();
sources.Add(shop.Source);
Task serving = new InvocationServer<Order, Receipt>(sources, stock).RunAsync();

Receipt receipt = await shop.Client.InvokeAsync(new Order("apples", 3));
Console.WriteLine($"3 apples: {receipt.Left} left");
try
{
    await shop.Client.InvokeAsync(new Order("pears", 3));
}
catch (InvalidOperationException error)
{
    Console.WriteLine($"3 pears: {error.Message}"); // what the handler throws, the caller gets
}

// 2. More clients come while the server runs; their calls are served in turn. The reply may come later, from anybody.
var market = new InvocationChannel<Order, Receipt>();
sources.Add(market.Source);
Task<Receipt> delivery = market.Client.InvokeAsync(new Order("plums", 1)).AsTask();
Console.WriteLine($"1 plum: answered already: {delivery.IsCompleted}");
stock.Deliver("plums", 10);
Console.WriteLine($"1 plum, after the delivery: {(await delivery).Left} left");

// 3. A full channel says so at once, or makes its client wait.
var full = new InvocationChannel<Order, Receipt>(new InvocationChannelOptions { Capacity = 2 });
bool[] taken = [.. Enumerable.Range(0, 3).Select(_ => full.Client.TryInvoke(new Order("apples", 1), out ValueTask<Receipt> _))];
Console.WriteLine($"three calls for a channel of two: taken {string.Join(", ", taken)}");
sources.Add(full.Source); // now somebody receives them

// 4. Several back ends: one is slow, and the idle one takes what waits for it.
await using (var fanOut = new FanOut<int, int>())
{
    var gate = new TaskCompletionSource();
    FanOutBackEnd slow = fanOut.Add(InvocationHandler.FromAsyncFunction<int, int>(async (number, _) =>
    {
        await gate.Task;
        return number;
    }));
    Task<int> first = fanOut.InvokeAsync(0).AsTask();
    while (slow.Running == 0)
    {
        await Task.Yield();
    }

    Task<int>[] squares = [.. Enumerable.Range(1, 9).Select(number => fanOut.InvokeAsync(number).AsTask())];
    FanOutBackEnd idle = fanOut.Add(InvocationHandler.FromFunction((int number) => number * number));
    await Task.WhenAll(squares);
    Console.WriteLine($"ten calls: the slow back end still has {slow.Running}, the idle one took {idle.Stolen} that waited for it");
    gate.SetResult();
    await first;
}

// 5. Polling: server and client never sleep, and a call takes less than a microsecond where each has a processor.
var fast = new InvocationChannel<int, int>(new InvocationChannelOptions { ReplySpinTime = Timeout.InfiniteTimeSpan });
var polling = new InvocationServer<int, int>(
    fast.Source,
    InvocationHandler.FromFunction((int number) => number + 1),
    new InvocationServerOptions { SpinTime = Timeout.InfiniteTimeSpan });
var thread = new Thread(() => polling.Run(CancellationToken.None));
thread.Start();
const int Calls = 100_000;
long start = Stopwatch.GetTimestamp();
int sum = 0;
for (int call = 0; call < Calls; call++)
{
    sum = fast.Client.Invoke(sum);
}

Console.WriteLine($"{sum} calls while polling, {Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls:0} ns each");

// The server side ends its sources, and its loops end with them.
fast.Source.Complete();
thread.Join();
sources.Complete();
shop.Source.Complete();
market.Source.Complete();
full.Source.Complete();
await serving;
Console.WriteLine("done");
