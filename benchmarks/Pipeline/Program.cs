using System.Globalization;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Kestrel.Rpc.Benchmarks.Pipeline;
using Kestrel.Rpc.Benchmarks.Pipeline.Calls;
using Perfolizer.Horology;

// "calls 3": what a whole call costs the server, with and without those who listen, for 3 seconds each.
if (args is ["calls", ..])
{
    double seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 3;
    for (int version = 1; version <= 2; version++)
    {
        WholeCalls calls = new(version, seconds);
        calls.Add("nobody listens", () => null);
        if (args.Length <= 2)
        {
            calls.Add("meter", Listening.Meter);
            calls.Add("meter, activities 1 %", () => Listening.Both(0.01));
            calls.Add("meter, all activities", () => Listening.Both(1));
        }

        await calls.RunAsync(Console.Out);
    }

    return;
}

// In this process: the server's internals are open to this assembly alone, not to one that would be generated. Half a minute in all.
Job job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(5)
    .WithIterationCount(10)
    .WithIterationTime(TimeInterval.FromMilliseconds(250));
BenchmarkSwitcher.FromAssembly(typeof(PipelineCost).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
