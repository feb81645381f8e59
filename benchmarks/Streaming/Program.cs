using System.Diagnostics;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Streaming;
using Kestrel.Rpc.Transport;

// How many items a second, and how many for a second of CPU. Client and server are in this process, over the in-process transport.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string only = args.Length > 0 && !args[0].StartsWith("--", StringComparison.Ordinal) ? args[0] : "";
double seconds = args.SkipWhile(arg => arg != "--seconds").Skip(1).Select(double.Parse).FirstOrDefault(2);
int rounds = args.SkipWhile(arg => arg != "--rounds").Skip(1).Select(int.Parse).FirstOrDefault(3);

await using WebApplication app = StreamServer.Build();
await app.StartAsync();
Console.WriteLine($"{"stream",-34} {"items/s",12} {"items/CPU s",12} {"GiB/s",7} {"bytes allocated/item",21}   CPU of client and server together");
foreach (StreamLoad load in StreamLoad.All.Where(load => load.Name.Contains(only, StringComparison.Ordinal)))
{
    for (int round = 0; round <= rounds; round++)
    {
        using CancellationTokenSource end = new();
        Counter counter = new();
        Task running = load.RunAsync(StreamServer.EndPoint, counter, end.Token);
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(round == 0 ? Math.Max(seconds, 3) : 0.3))); // the first round is for the compiler
        (long items, TimeSpan cpu, long allocated, long start) = (counter.Items, Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
        await Task.WhenAny(running, Task.Delay(TimeSpan.FromSeconds(seconds)));
        items = counter.Items - items;
        cpu = Environment.CpuUsage.TotalTime - cpu;
        allocated = GC.GetTotalAllocatedBytes() - allocated;
        double time = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await end.CancelAsync();
        await running;
        if (round > 0)
        {
            Console.WriteLine(
                $"{load.Name,-34} {items / time,12:N0} {items / cpu.TotalSeconds,12:N0} {items / time * load.ItemLength / (1 << 30),7:N2} {(double)allocated / items,21:N1}");
        }
    }
}

await app.StopAsync();
