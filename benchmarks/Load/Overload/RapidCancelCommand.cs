using System.CommandLine;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Cli;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Processes;

namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary><c>rapid-cancel</c>: what a call costs the server that is cancelled as soon as it was made, next to one that is answered.</summary>
internal static class RapidCancelCommand
{
    private static readonly TimeSpan StartTime = TimeSpan.FromSeconds(30);

    public static Command Create()
    {
        Option<double> seconds = Arguments.Seconds("--seconds", "Seconds measured each time", 3);
        var serverCore = new Option<int>("--server-core") { Description = "The server's core", DefaultValueFactory = _ => 0 };
        var clientCore = new Option<int>("--client-core") { Description = "The client's core", DefaultValueFactory = _ => 1 };
        var serve = new Option<bool>("--serve") { Description = "Be the server", Hidden = true };
        var command = new Command("rapid-cancel", "Calls that are cancelled as fast as they are made, with the server's bound on that lifted: its CPU for each, next to that of calls that are answered.")
        {
            seconds, serverCore, clientCore, serve,
        };
        command.SetAction(async line =>
        {
            if (line.GetValue(serve))
            {
                await RapidCancelServer.RunAsync();
                return 0;
            }

            return await MeasureAsync(TimeSpan.FromSeconds(line.GetValue(seconds)), line.GetValue(serverCore), line.GetValue(clientCore));
        });
        return command;
    }

    private static async Task<int> MeasureAsync(TimeSpan time, int serverCore, int clientCore)
    {
        using var signals = new StopSignals();
        try
        {
            foreach (string text in Machine.Describe().Lines())
            {
                Console.Out.WriteLine(text);
            }

            using ChildProcess server = ChildProcess.StartSelf("the server", serverCore, ["rapid-cancel", "--serve"]);
            string port = await server.ReadLineAsync(StartTime, signals.Token);
            await server.ReadLineAsync(StartTime, signals.Token);
            await Task.Factory.StartNew(
                () =>
                {
                    using CpuAffinity pinned = new(clientCore);
                    Measure(int.Parse(port.Split(' ')[1], CultureInfo.InvariantCulture), server.Id, time, signals.Token);
                },
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            await server.TerminateAsync(StartTime, CancellationToken.None);
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

    private static void Measure(int port, int process, TimeSpan time, CancellationToken cancellationToken)
    {
        using RapidCancelRun answered = new(port, RapidCancelServer.Answered, cancels: false);
        using RapidCancelRun waited = new(port, RapidCancelServer.Yielding, cancels: false);
        using RapidCancelRun cancelled = new(port, RapidCancelServer.Waiting, cancels: true);
        (string Name, RapidCancelRun Run)[] scenes = [("answered at once", answered), ("answered after a yield", waited), ("cancelled while it waits", cancelled)];
        Console.Out.WriteLine("call                      calls/s  us of server CPU a call");
        for (int round = 0; round < 3; round++)
        {
            foreach ((string name, RapidCancelRun run) in scenes)
            {
                double before = ProcessProbe.CpuSeconds(process);
                long calls = run.Run(time, cancellationToken);
                double used = ProcessProbe.CpuSeconds(process) - before;
                string what = round == 0 ? $"(warming up) {name}" : name;
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-25} {calls / time.TotalSeconds,8:F0} {used * 1e6 / calls,8:F2}"));
            }
        }
    }
}
