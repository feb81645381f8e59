using BenchmarkDotNet.Running;
using Kestrel.Rpc.Benchmarks.Pipeline;

BenchmarkSwitcher.FromAssembly(typeof(PipelineCost).Assembly).Run(args);
