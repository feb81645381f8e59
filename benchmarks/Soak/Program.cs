using System.CommandLine;
using Kestrel.Rpc.Benchmarks.Soak;

// Runs a server and clients of every kind against each other, and reports what is left behind. Exit code 1 if anything is.
Option<int> seconds = new("--seconds") { Description = "How long, in seconds, without the first round that warms up.", DefaultValueFactory = _ => 60 };
Option<int> seed = new("--seed") { Description = "Of everything random.", DefaultValueFactory = _ => 1 };
Option<SoakTransport> transport = new("--transport") { Description = "What carries the bytes.", DefaultValueFactory = _ => SoakTransport.IoUring };
RootCommand command = new("Mixed good, slow, hostile and cancelled calls of all shapes in both versions, restarts included.") { seconds, seed, transport };
command.SetAction(async parsed =>
{
    using CountingMemoryPool memory = new();
    return await new SoakRun(
        TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(seed), parsed.GetValue(transport), memory, Console.Out).RunAsync();
});
return await command.Parse(args).InvokeAsync();
