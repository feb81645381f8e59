using System.CommandLine;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary><c>overload</c>: twice the load that a server can do, with its adaptive limit and without.</summary>
internal static class OverloadCommand
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<string, OverloadWork> Works = new() { ["wait"] = OverloadWork.Wait, ["compute"] = OverloadWork.Compute };

    public static Command Create()
    {
        Option<TransportKind> transport = Arguments.One("--transport", "The transport below Kestrel", Names.Transports);
        transport.Required = false;
        transport.DefaultValueFactory = _ => TransportKind.IoUring;
        Option<OverloadWork> work = Arguments.One("--work", "What a call does: wait for one of 16 places and 5 ms in it, or compute for 1 ms", Works);
        work.Required = false;
        work.DefaultValueFactory = _ => OverloadWork.Wait;
        Option<int> connections = Arguments.Number("--connections", "Connections that share the load", 16);
        Option<double> patience = Arguments.Seconds("--patience", "Seconds after which a reply is of no use", 0.25);
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds measured each time", 3);
        var serverCore = new Option<int>("--server-core") { Description = "The server's core", DefaultValueFactory = _ => 0 };
        var clientCore = new Option<int>("--client-core") { Description = "The client's core", DefaultValueFactory = _ => 1 };
        var serve = new Option<bool>("--serve") { Description = "Be the server", Hidden = true };
        var limited = new Option<bool>("--limited") { Description = "Be the server with the limit", Hidden = true };
        var command = new Command("overload", "Twice the load that a server can do, open-loop, with its adaptive limit and without: calls answered in time, latency of accepted calls, memory.")
        {
            transport, work, connections, patience, seconds, serverCore, clientCore, serve, limited,
        };
        command.SetAction(async line =>
        {
            var settings = new OverloadSettings(
                line.GetValue(transport),
                line.GetValue(work),
                line.GetValue(connections),
                TimeSpan.FromSeconds(line.GetValue(patience)),
                TimeSpan.FromSeconds(line.GetValue(seconds)),
                line.GetValue(serverCore),
                line.GetValue(clientCore));
            if (line.GetValue(serve))
            {
                await OverloadServer.RunAsync(settings.Transport, settings.Work, line.GetValue(limited));
                return 0;
            }

            return await MeasureAsync(settings);
        });
        return command;
    }

    private static async Task<int> MeasureAsync(OverloadSettings settings)
    {
        using var signals = new StopSignals();
        try
        {
            foreach (string text in Machine.Describe().Lines())
            {
                Console.Out.WriteLine(text);
            }

            OverloadRun run = new(settings, signals.Token);
            await WithServerAsync(settings, isLimited: false, run.MeasureWithout, signals.Token);
            await WithServerAsync(settings, isLimited: true, run.MeasureWith, signals.Token);
            foreach (string text in run.Report.Lines())
            {
                Console.Out.WriteLine(text);
            }

            return 0;
        }
        catch (LoadException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine("cancelled");
            return 130;
        }
    }

    private static async Task WithServerAsync(OverloadSettings settings, bool isLimited, Action<int, int> measure, CancellationToken cancellationToken)
    {
        string work = Works.First(pair => pair.Value == settings.Work).Key;
        string[] arguments = ["overload", "--serve", "--transport", Names.Of(settings.Transport), "--work", work];
        using ChildProcess server = ChildProcess.StartSelf("the server", settings.ServerCore, isLimited ? [.. arguments, "--limited"] : arguments);
        string port = await server.ReadLineAsync(StartTime, cancellationToken);
        await server.ReadLineAsync(StartTime, cancellationToken);

        // A thread of its own: it is pinned, and it never waits for others.
        await Task.Factory.StartNew(
            () =>
            {
                using CpuAffinity pinned = new(settings.ClientCore);
                measure(int.Parse(port.Split(' ')[1], CultureInfo.InvariantCulture), server.Id);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        await server.TerminateAsync(StartTime, CancellationToken.None);
    }
}
