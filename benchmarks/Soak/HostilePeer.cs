using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Benchmarks.Soak;

/// <summary>Peers that break the protocol or what is decent, each with a socket of its own. Whatever the server does to them is right; it must only forget them.</summary>
internal sealed class HostilePeer(Func<SoakServer> current, Tally tally)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20); // so that the good ones have a machine, too

    private static readonly string[] Kinds =
        ["garbage", "half a frame", "silence", "too long", "rapid cancel", "unread replies", "pings", "credit", "id reuse", "no end", "unknown methods", "http"];

    public async Task RunAsync(Random random, CancellationToken end)
    {
        byte[] sink = new byte[16 * 1024];
        while (!end.IsCancellationRequested)
        {
            string kind = Kinds[random.Next(Kinds.Length)];
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            using CancellationTokenSource patience = new(Patience);
            try
            {
                await socket.ConnectAsync(current().EndPoint, patience.Token);
                for (int i = 0; i < 3; i++)
                {
                    await socket.SendAsync(BytesOf(kind, random), patience.Token);
                }

                // Some wait for what comes, some end decently, the others reset.
                if (random.Next(2) == 0)
                {
                    socket.Shutdown(SocketShutdown.Send);
                    while (await socket.ReceiveAsync(sink, patience.Token) > 0)
                    {
                    }
                }
                else
                {
                    socket.LingerState = new LingerOption(true, 0);
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // The server has thrown it out, which is its right, or it has lost its patience.
            }

            tally.Count($"hostile: {kind}");
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    private static byte[] BytesOf(string kind, Random random)
    {
        ArrayBufferWriter<byte> output = new();
        switch (kind)
        {
            case "garbage":
                output.Write((ReadOnlySpan<byte>)[0x12, 0x34, (byte)random.Next(1, 3)]);
                random.NextBytes(output.GetSpan(300)[..300]);
                output.Advance(300);
                break;
            case "half a frame":
                WriteRequest(output, 1, "soak/Echo");
                return output.WrittenSpan[..random.Next(output.WrittenCount)].ToArray();
            case "silence":
                break;
            case "too long":
                output.Write((ReadOnlySpan<byte>)[0x12, 0x34, (byte)random.Next(1, 3), 1, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]);
                break;
            case "rapid cancel":
                for (uint id = 1; id < 200; id++)
                {
                    WriteRequest(output, id, "soak/Slow", [0x08, 0xa0, 0x8d, 0x06]); // 100,000 ms
                    RpcControlFrame.WriteCancel(output, id);
                }

                break;
            case "unread replies":
                for (uint id = 1; id < 50; id++)
                {
                    WriteRequest(output, id, "soak/Echo", [0x0a, 0x80, 0x40, .. new byte[8192]]);
                }

                break;
            case "pings":
                for (ulong i = 0; i < 500; i++)
                {
                    RpcControlFrame.WritePing(output, i);
                }

                break;
            case "credit":
                RpcControlFrame.WriteCredit(output, 0, int.MaxValue);
                break;
            case "id reuse":
                WriteRequest(output, 1, "soak/Slow", [0x08, 0xa0, 0x8d, 0x06]);
                WriteRequest(output, 1, "soak/Slow", [0x08, 0xa0, 0x8d, 0x06]);
                break;
            case "no end":
                for (uint id = 1; id < 50; id++)
                {
                    WriteRequest(output, id, "soak/Sum", [0x08, 0x01], RpcCallBits.None);
                }

                break;
            case "unknown methods":
                for (uint id = 1; id < 50; id++)
                {
                    WriteRequest(output, id, $"soak/{random.Next()}");
                }

                break;
            default:
                output.Write("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8);
                break;
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteRequest(ArrayBufferWriter<byte> output, uint id, string method, byte[]? body = null, RpcCallBits flags = RpcCallBits.End) =>
        RpcCallFrameWriter.Write(
            output,
            RpcFrameType.Request,
            id,
            new RpcMethodReference(0, Encoding.UTF8.GetBytes(method)),
            new RpcCallHeader { Flags = flags },
            new ReadOnlySequence<byte>(body ?? []),
            RpcFrameRules.DefaultVersion2Limits);
}
