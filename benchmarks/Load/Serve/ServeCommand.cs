using System.CommandLine;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary><c>serve</c>: one server, until SIGTERM.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        Option<Workload> workload = Arguments.One("--workload", "What it answers", Names.Workloads);
        Option<TransportKind> transport = Arguments.One("--transport", "The transport below Kestrel", Names.Transports);
        Option<Scheduling> scheduling = Arguments.One("--scheduling", "Where the application's code runs", Names.Schedulings);
        var polling = new Option<bool>("--polling") { Description = "Event loops look for work and never sleep (not with sockets)" };
        var port = new Option<int>("--port") { Description = "The TCP port on 127.0.0.1; 0 takes a free one", Required = true };
        var loops = new Option<int?>("--loops") { Description = "Event loops (Sockets: I/O queues). Default: the transport's own" };
        var reusePort = new Option<bool>("--reuse-port") { Description = "Every event loop listens for itself, with SO_REUSEPORT (not with sockets)" };
        var controlled = new Option<bool>("--controlled")
        {
            Description = "Answer 'stats' lines on standard input with JSON, and end when it ends",
        };
        var command = new Command("serve", "Serve one workload until SIGTERM. Prints 'ready' when it listens.")
        {
            workload, transport, scheduling, polling, port, loops, reusePort, controlled,
        };
        command.Validators.Add(line =>
        {
            if (line.GetValue(polling) && line.GetValue(transport) == TransportKind.Sockets)
            {
                line.AddError("sockets have no --polling.");
            }

            if (line.GetValue(reusePort) && line.GetValue(transport) == TransportKind.Sockets)
            {
                line.AddError("sockets have no --reuse-port.");
            }
        });
        command.SetAction(async line =>
        {
            var settings = new ServeSettings(
                line.GetValue(workload),
                line.GetValue(transport),
                line.GetValue(scheduling),
                line.GetValue(polling),
                line.GetValue(port),
                line.GetValue(loops),
                line.GetValue(controlled)) { ReusePort = line.GetValue(reusePort) };
            await LoadServer.RunAsync(settings);
            return 0;
        });
        return command;
    }
}
