using System.Globalization;
using Kestrel.Rpc.Benchmarks.Invocation;

// dotnet run -c Release --project benchmarks/Invocation [-- queues|polling|pipelined|async|all] [seconds]
string what = args.Length > 0 ? args[0] : "all";
double seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 3;
TimeSpan time = TimeSpan.FromSeconds(seconds);
Dictionary<string, Action<TimeSpan>> modes = new()
{
    ["queues"] = QueueComparison.Run,
    ["polling"] = PollingLatency.Run,
    ["pipelined"] = Pipelined.Run,
    ["async"] = AsyncCalls.Run,
};
if (what != "all" && !modes.ContainsKey(what))
{
    Console.Error.WriteLine($"'{what}' is none of {string.Join(", ", modes.Keys)}, all.");
    return 1;
}

Console.WriteLine($"{Environment.ProcessorCount} processors, {System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription}, {time.TotalSeconds:0.#} s a measurement after as long a warm-up");
foreach ((string name, Action<TimeSpan> run) in modes)
{
    if (what == "all" || what == name)
    {
        run(time);
    }
}

return 0;
