using BenchmarkDotNet.Running;
using Kestrel.Rpc.Benchmarks.Codec;

BenchmarkSwitcher.FromAssembly(typeof(FrameReading).Assembly).Run(args);
