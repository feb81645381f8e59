using System.CommandLine;
using Kestrel.Rpc.Benchmarks.Soak;

// Runs a server and clients of every kind against each other, and reports what is left behind. Exit code 1 if anything is.
Option<int> seconds = new("--seconds") { Description = "How long, in seconds, without the first round that warms up.", DefaultValueFactory = _ => 60 };
Option<int> seed = new("--seed") { Description = "Of everything random.", DefaultValueFactory = _ => 1 };
Option<SoakTransport> transport = new("--transport") { Description = "What carries the bytes.", DefaultValueFactory = _ => SoakTransport.IoUring };
Option<int> life = new("--life") { Description = "How long a server lives, in seconds; a quarter of the whole at most.", DefaultValueFactory = _ => 30 };
RootCommand command = new("Mixed good, slow, hostile and cancelled calls of all shapes in both versions, restarts included.") { seconds, seed, transport, life };
command.SetAction(async parsed =>
{
    using CountingMemoryPool memory = new();
    return await new SoakRun(
        TimeSpan.FromSeconds(parsed.GetValue(seconds)), TimeSpan.FromSeconds(parsed.GetValue(life)), parsed.GetValue(seed), parsed.GetValue(transport), memory, Console.Out)
        .RunAsync();
});
return await command.Parse(args).InvokeAsync();
