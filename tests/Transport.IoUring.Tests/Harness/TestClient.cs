using System.Net;
using System.Net.Sockets;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The client side of a connection: a plain socket with a time limit on everything.</summary>
internal sealed class TestClient(Socket socket) : IDisposable
{
    public Socket Socket => socket;

    public EndPoint? LocalEndPoint => socket.LocalEndPoint;

    /// <summary>A handler for HTTP clients that connect as this class does, without proxies.</summary>
    public static SocketsHttpHandler CreateHandler() => new() { UseProxy = false };

    public static async Task<TestClient> ConnectAsync(EndPoint endPoint, Action<Socket>? configure = null)
    {
        ProtocolType protocol = endPoint is UnixDomainSocketEndPoint ? ProtocolType.Unspecified : ProtocolType.Tcp;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, protocol);
        try
        {
            if (protocol == ProtocolType.Tcp)
            {
                socket.NoDelay = true;
            }

            configure?.Invoke(socket);
            await socket.ConnectAsync(endPoint).Limited();
            return new TestClient(socket);
        }
        catch
        {
            // Not handed over.
            socket.Dispose();
            throw;
        }
    }

    /// <summary>The connection as a stream, which leaves the client open.</summary>
    public Stream CreateStream() => new NetworkStream(socket);

    /// <summary>One send, of as much as there is room for, without a time limit; returns how much.</summary>
    public ValueTask<int> SendSomeAsync(ReadOnlyMemory<byte> bytes) => socket.SendAsync(bytes);

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await socket.SendAsync(bytes).Limited()..];
        }
    }

    /// <summary>Sends a stretch of a payload stream, in pieces of random sizes up to a limit.</summary>
    public async Task SendPayloadAsync(int seed, long length, int maxPiece = 64 * 1024)
    {
        byte[] buffer = new byte[maxPiece];
        var random = new Random(seed);
        for (long position = 0; position < length;)
        {
            int count = (int)Math.Min(length - position, random.Next(1, maxPiece + 1));
            Payload.Fill(buffer.AsSpan(0, count), seed, position);
            await SendAsync(buffer.AsMemory(0, count));
            position += count;
        }
    }

    /// <summary>One receive; 0 at the end.</summary>
    public Task<int> ReceiveAsync(Memory<byte> buffer) => socket.ReceiveAsync(buffer).Limited();

    public async Task<byte[]> ReceiveExactAsync(int length)
    {
        byte[] bytes = new byte[length];
        for (int filled = 0; filled < length;)
        {
            int count = await ReceiveAsync(bytes.AsMemory(filled));
            Assert.True(count > 0, $"The connection ended after {filled} of {length} bytes.");
            filled += count;
        }

        return bytes;
    }

    /// <summary>Receives and verifies a stretch of a payload stream.</summary>
    public async Task ReceivePayloadAsync(int seed, long length, long position = 0)
    {
        byte[] buffer = new byte[64 * 1024];
        for (long end = position + length; position < end;)
        {
            int count = await ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, end - position)));
            Assert.True(count > 0, $"The connection ended at position {position} of {end} bytes.");
            Payload.Verify(buffer.AsSpan(0, count), seed, position);
            position += count;
        }
    }

    /// <summary>Fails unless the server now ends its side with FIN.</summary>
    public async Task ReceiveEndAsync()
    {
        int count = await ReceiveAsync(new byte[1]);
        Assert.True(count == 0, "A byte came instead of the end.");
    }

    /// <summary>Receives until the connection ends with an error, and returns it; fails on an orderly end.</summary>
    public async Task<SocketError> ReceiveErrorAsync()
    {
        var error = await Assert.ThrowsAsync<SocketException>(() => ReceiveAllAsync().Limited());
        return error.SocketErrorCode;

        async Task ReceiveAllAsync()
        {
            byte[] buffer = new byte[64 * 1024];
            while (await ReceiveAsync(buffer) > 0)
            {
                // What was under way before the error.
            }
        }
    }

    /// <summary>Sends what it is told and verifies that it comes back.</summary>
    public async Task EchoAsync(int seed, int length)
    {
        await SendAsync(Payload.Create(seed, length));
        await ReceivePayloadAsync(seed, length);
    }

    /// <summary>Ends the sending side with FIN.</summary>
    public void Fin() => socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with RST.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    public void Dispose() => socket.Dispose();
}
