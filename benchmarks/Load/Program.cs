using System.CommandLine;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Compare;
using Kestrel.Rpc.Benchmarks.Load.Fairness;
using Kestrel.Rpc.Benchmarks.Load.InProcess;
using Kestrel.Rpc.Benchmarks.Load.Overload;
using Kestrel.Rpc.Benchmarks.Load.Serve;

var root = new RootCommand("Measures Kestrel's transports and the RPC server against each other in one run.")
{
    CompareCommand.Create(),
    ServeCommand.Create(),
    LoadCommand.Create(),
    InProcessCommand.Create(),
    FairnessCommand.Create(),
    OverloadCommand.Create(),
    RapidCancelCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
