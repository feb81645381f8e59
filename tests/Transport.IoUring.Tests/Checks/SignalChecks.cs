using System.Globalization;
using System.Runtime.InteropServices;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Signals interrupt system calls. Runs alone in its process.</summary>
internal static class SignalChecks
{
    /// <summary>Every thread of the process is hit again and again by a signal that is handled, busy and idle.</summary>
    public static async Task SignalsInterruptNothingAsync(TransportVariant transport)
    {
        int handled = 0;
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, context =>
        {
            context.Cancel = true;
            Interlocked.Increment(ref handled);
        });
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient idle = await server.ConnectAsync();
        await idle.EchoAsync(seed: 1, 10);
        for (int round = 0; round < 20; round++)
        {
            // Once while the loops sleep, once while they work.
            SignalEveryThread();
            await idle.EchoAsync(seed: 2, 10);
            using TestClient client = await server.ConnectAsync();
            Task echo = Task.WhenAll(client.SendPayloadAsync(seed: 3, 1_000_000), client.ReceivePayloadAsync(seed: 3, 1_000_000));
            while (!echo.IsCompleted)
            {
                SignalEveryThread();
                await Task.Yield();
            }

            await echo;
            client.Fin();
            await client.ReceiveEndAsync();
        }

        await Eventually.TrueAsync(() => Volatile.Read(ref handled) > 0);
        idle.Fin();
        await idle.ReceiveEndAsync();
        await server.StopAsync();
    }

    private static void SignalEveryThread()
    {
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            int id = int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture);

            // A thread that ended since is no fault.
            _ = Posix.tgkill(Environment.ProcessId, id, Posix.SIGWINCH);
        }
    }
}
