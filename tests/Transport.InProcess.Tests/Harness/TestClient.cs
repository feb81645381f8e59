using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>
/// The client side of an in-process connection, with the members and the errors that the suite knows from the one over a
/// socket, and a time limit on everything.
/// </summary>
internal sealed class TestClient(ConnectionContext connection) : IDisposable
{
    private const int LargestWrite = 64 * 1024;

    private bool _isOutputOver;

    public EndPoint? LocalEndPoint => connection.LocalEndPoint;

    public ConnectionContext Connection => connection;

    /// <summary>Connects; what the suite would set on a socket has no meaning here.</summary>
    public static async Task<TestClient> ConnectAsync(EndPoint endPoint, Action<Socket>? configure = null)
    {
        _ = configure;
        return new TestClient(await InProcessNetwork.Default.ConnectAsync(endPoint).Limited());
    }

    /// <summary>A handler for HTTP clients that connect as this class does, without proxies.</summary>
    public static SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        ConnectCallback = (context, cancellationToken) => InProcessNetwork.Default.ConnectStreamAsync(context.DnsEndPoint, cancellationToken),
    };

    /// <summary>The connection as a stream, which leaves the client open.</summary>
    public Stream CreateStream() => new TestStream(connection.Transport);

    /// <summary>One send, as long as it takes; returns how much was sent.</summary>
    public async ValueTask<int> SendSomeAsync(ReadOnlyMemory<byte> bytes)
    {
        await WriteAsync(bytes);
        return bytes.Length;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        do
        {
            int count = Math.Min(bytes.Length, LargestWrite);
            await WriteAsync(bytes[..count]).Limited();
            bytes = bytes[count..];
        }
        while (!bytes.IsEmpty);
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

    /// <summary>Fails unless the server now ends its side in order.</summary>
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
        // Both at once: a reply larger than what the connection holds would wait for us while we wait for it.
        await Task.WhenAll(SendAsync(Payload.Create(seed, length)), ReceivePayloadAsync(seed, length));
    }

    /// <summary>Ends the sending side.</summary>
    public void Fin() => connection.Transport.Output.Complete();

    /// <summary>Ends the connection as a socket ends that is closed with RST.</summary>
    public void Reset()
    {
        connection.Abort(new ConnectionAbortedException("Reset by the test."));
        Dispose();
    }

    public void Dispose()
    {
        connection.Transport.Input.Complete();
        connection.Transport.Output.Complete();
    }

    /// <summary>One receive; 0 at the end.</summary>
    private async Task<int> ReceiveAsync(Memory<byte> buffer)
    {
        try
        {
            ReadResult result = await connection.Transport.Input.ReadAsync().Limited();
            return Take(connection.Transport.Input, result, buffer.Span);
        }
        catch (ConnectionResetException)
        {
            throw new SocketException((int)SocketError.ConnectionReset);
        }
    }

    private static int Take(PipeReader input, ReadResult result, Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, result.Buffer.Length);
        var taken = result.Buffer.Slice(0, count);
        int filled = 0;
        foreach (ReadOnlyMemory<byte> segment in taken)
        {
            segment.Span.CopyTo(buffer[filled..]);
            filled += segment.Length;
        }

        input.AdvanceTo(taken.End);
        return count;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (_isOutputOver)
        {
            throw new SocketException((int)SocketError.Shutdown); // EPIPE
        }

        // As with a socket, the write that meets the end succeeds: the server may have read all of it before it left.
        _isOutputOver = (await connection.Transport.Output.WriteAsync(bytes)).IsCompleted;
    }
}
