using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Kestrel.Rpc.Benchmarks.Pipeline;
using Perfolizer.Horology;

// In this process: the server's internals are open to this assembly alone, not to one that would be generated. Half a minute in all.
Job job = Job.Default
    .WithToolchain(InProcessEmitToolchain.Instance)
    .WithWarmupCount(5)
    .WithIterationCount(10)
    .WithIterationTime(TimeInterval.FromMilliseconds(250));
BenchmarkSwitcher.FromAssembly(typeof(PipelineCost).Assembly).Run(args, DefaultConfig.Instance.AddJob(job));
