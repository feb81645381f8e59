using System.Diagnostics;
using System.Net;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;

namespace Hello;

internal static class Caller
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Calls Hello once, and prints the reply and the time taken.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> CallAsync(int port, string name)
    {
        using CancellationTokenSource timeout = new(Patience);
        try
        {
            long start = Stopwatch.GetTimestamp();
            await using RpcConnection connection =
                await RpcConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancellationToken: timeout.Token);
            TimeSpan connected = Stopwatch.GetElapsedTime(start);

            start = Stopwatch.GetTimestamp();
            HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>(
                "helloworld", "Hello", new HelloRequest { Msg = name }, timeout.Token);
            TimeSpan answered = Stopwatch.GetElapsedTime(start);

            Console.WriteLine(reply.Msg);
            Console.WriteLine($"connected in {connected.TotalMilliseconds:F1} ms, answered in {answered.TotalMilliseconds:F1} ms (start-up of a new process included)");
            return 0;
        }
        catch (RpcException exception)
        {
            Console.Error.WriteLine($"The call failed ({exception.Code}): {exception.Message}");
            return 1;
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"There was no answer within {Patience.TotalSeconds:F0} s.");
            return 1;
        }
    }
}
