using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The process has no descriptors left for connections that wait. Runs alone in its process.</summary>
internal static class DescriptorLimitChecks
{
    private const int Waiting = 20;

    /// <summary>
    /// Existing connections are served, the log tells it once, no processor spins, and the clients that waited are
    /// accepted when descriptors come back.
    /// </summary>
    public static async Task ExhaustedDescriptorsPauseAcceptingAsync(TransportVariant transport)
    {
        // Well above what a paused accept costs and far below what a loop without a pause burns.
        const double MaxLoad = 0.15;
        LowerLimit();
        await StartAllPoolThreadsAsync();
        await using ConnectionServer server = await ConnectionServer.StartAsync(transport, Handlers.EchoAsync);
        using TestClient served = await server.ConnectAsync();

        // Everything below runs once before there are no descriptors for loading code.
        await served.EchoAsync(seed: 1, 1000);
        await MeasureLoadAsync();
        using (TestClient warm = await server.ConnectAsync())
        {
            await warm.EchoAsync(seed: 1, 10);
            warm.Fin();
            await warm.ReceiveEndAsync();
        }

        List<Socket> waiting = [.. Enumerable.Range(0, Waiting).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))];
        int[] fillers = TakeAllDescriptors((int)served.Socket.Handle);
        double load;
        Exception? failure = null;
        try
        {
            foreach (Socket socket in waiting)
            {
                await socket.ConnectAsync(server.EndPoint);
            }

            await served.EchoAsync(seed: 2, 1000);
            load = await MeasureLoadAsync();
            await served.EchoAsync(seed: 3, 1000);
        }
        catch (Exception e)
        {
            // Thrown when there are descriptors again to show it with.
            (load, failure) = (0, e);
        }
        finally
        {
            Array.ForEach(fillers, filler => Posix.Check(Posix.close(filler)));
        }

        Assert.Null(failure);
        Assert.True(load < MaxLoad, $"Waiting for descriptors took {load:p0} of a processor.");
        foreach (Socket socket in waiting)
        {
            using var client = new TestClient(socket);
            await client.EchoAsync(seed: 4, 1000);
            client.Fin();
            await client.ReceiveEndAsync();
        }

        served.Fin();
        await served.ReceiveEndAsync();
        await server.StopAsync();

        // Not once a retry, and not once for every retry that falls between two of the closes above.
        Assert.Single(server.Host.TransportLines, line => line.Level >= LogLevel.Warning);
    }

    private static async Task<double> MeasureLoadAsync()
    {
        using var window = new PeriodicTimer(TimeSpan.FromSeconds(1));
        TimeSpan before = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        await window.WaitForNextTickAsync();
        return (Environment.CpuUsage.TotalTime - before) / Stopwatch.GetElapsedTime(start);
    }

    // Before the transport starts: an armed accept of io_uring keeps the limit that held when it was armed.
    public static void LowerLimit()
    {
        Posix.Check(Posix.getrlimit(Posix.RLIMIT_NOFILE, out Posix.Limit limit));
        limit.Soft = Math.Min(limit.Soft, 512);
        Posix.Check(Posix.setrlimit(Posix.RLIMIT_NOFILE, limit));
    }

    // The runtime cannot start a thread without descriptors, so all that there may be start now.
    public static async Task StartAllPoolThreadsAsync()
    {
        const int Threads = 16;
        ThreadPool.SetMinThreads(Threads, 1);
        ThreadPool.SetMaxThreads(Threads, 1);
        using var barrier = new Barrier(Threads);
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(_ => Task.Run(() => Assert.True(barrier.SignalAndWait(TimeLimit.Current))))).Limited();
    }

    public static int[] TakeAllDescriptors(int any)
    {
        var taken = new List<int>();
        int descriptor;
        while ((descriptor = Posix.dup(any)) >= 0)
        {
            taken.Add(descriptor);
        }

        return [.. taken];
    }
}
