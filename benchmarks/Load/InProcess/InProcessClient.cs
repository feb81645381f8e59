using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Hello;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Transport;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>One connection with one request outstanding, as an application would write it: asks and compares the reply until the end.</summary>
internal static class InProcessClient
{
    private const int EchoSize = 64;

    /// <summary>Connects, and returns the loop of requests that then runs.</summary>
    public static async Task<Task> StartAsync(
        InProcessVariant variant, Workload workload, EndPoint endPoint, ClientState state, CancellationToken end)
    {
        if (workload == Workload.Rpc)
        {
            RpcConnection connection = variant.InProcess
                ? await RpcConnection.ConnectAsync(InProcessNetwork.Default, endPoint, cancellationToken: end)
                : await RpcConnection.ConnectAsync(endPoint, cancellationToken: end);
            return Task.Run(() => CallAsync(connection, state, end), CancellationToken.None);
        }

        if (variant.InProcess)
        {
            ConnectionContext connection = await InProcessNetwork.Default.ConnectAsync(endPoint, end);
            return Task.Run(() => EchoAsync(connection, state, end), CancellationToken.None);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint, end);
        return Task.Run(() => EchoAsync(socket, state, end), CancellationToken.None);
    }

    private static async Task CallAsync(RpcConnection connection, ClientState state, CancellationToken end)
    {
        await using (connection)
        {
            var request = new HelloRequest { Msg = "world" };
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                HelloReply reply = await connection.CallAsync<HelloRequest, HelloReply>("helloworld", "Hello", request, CancellationToken.None);
                state.Count(start, reply.Msg == "Hello world");
            }
        }
    }

    private static async Task EchoAsync(ConnectionContext connection, ClientState state, CancellationToken end)
    {
        await using (connection)
        {
            PipeReader input = connection.Transport.Input;
            byte[] message = new byte[EchoSize];
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                message[0]++;
                await connection.Transport.Output.WriteAsync(message, CancellationToken.None);
                ReadResult read = await input.ReadAtLeastAsync(EchoSize, CancellationToken.None);
                bool right = read.Buffer.Length == EchoSize && read.Buffer.FirstSpan.SequenceEqual(message);
                input.AdvanceTo(read.Buffer.End);
                state.Count(start, right);
            }
        }
    }

    private static async Task EchoAsync(Socket socket, ClientState state, CancellationToken end)
    {
        using (socket)
        {
            byte[] message = new byte[EchoSize];
            byte[] reply = new byte[EchoSize];
            while (!end.IsCancellationRequested)
            {
                long start = Stopwatch.GetTimestamp();
                message[0]++;
                await socket.SendAsync(message, CancellationToken.None);
                int filled = 0;
                while (filled < EchoSize)
                {
                    int count = await socket.ReceiveAsync(reply.AsMemory(filled), CancellationToken.None);
                    filled = count > 0 ? filled + count : throw new LoadException("the server closed the connection");
                }

                state.Count(start, reply.AsSpan().SequenceEqual(message));
            }
        }
    }
}
