using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>Against a MyRPC server in another language and another process.</summary>
public sealed class MyRpcPeerTests : IAsyncLifetime
{
    private Process? _peer;
    private IPEndPoint _endPoint = new(IPAddress.Loopback, 0);

    public async ValueTask InitializeAsync()
    {
        ProcessStartInfo start = new("python3", [Path.Combine(AppContext.BaseDirectory, "myrpc_peer.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        try
        {
            _peer = Process.Start(start)!;
        }
        catch (Win32Exception exception) when (Environment.GetEnvironmentVariable("CI") != "true")
        {
            Assert.Skip($"The MyRPC peer needs python3: {exception.Message}");
        }

        string? port = await _peer.StandardOutput.ReadLineAsync().Within();
        _endPoint = new IPEndPoint(IPAddress.Loopback, int.Parse(port!, CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task Call_Hello_IsAnswered()
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(_endPoint).Within();
        foreach (string text in (string[])["world", "", "Wörld 😀", new string('x', 100_000)])
        {
            Assert.Equal($"Hello {text}", (await HelloAsync(connection, text).Within()).Value);
        }
    }

    [Fact]
    public async Task Calls_ManyAtOnce_AreAllAnsweredRightly()
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(_endPoint).Within();
        StringValue[] replies = await Task.WhenAll(Enumerable.Range(0, 2_000).Select(i => HelloAsync(connection, $"{i}"))).Within();
        Assert.Equal(Enumerable.Range(0, 2_000).Select(i => $"Hello {i}"), replies.Select(reply => reply.Value));
        Assert.Equal(0, connection.PendingCalls);
    }

    [Fact]
    public async Task Call_MethodThePeerDoesNotAnswer_EndsWithItsTokenAndOthersGoOn()
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(_endPoint).Within();
        using CancellationTokenSource source = new();
        Task<StringValue> unanswered =
            connection.CallAsync<StringValue, StringValue>("helloworld", "Nope", Wire.Text("a"), source.Token).AsTask();
        Assert.Equal("Hello b", (await HelloAsync(connection, "b").Within()).Value);
        Assert.False(unanswered.IsCompleted);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => unanswered.Within());
    }

    [Fact]
    public async Task Calls_PeerIsKilled_FailClearly()
    {
        await using RpcConnection connection = await RpcConnection.ConnectAsync(_endPoint).Within();
        await HelloAsync(connection, "a").Within();
        Task<StringValue> unanswered = connection.CallAsync<StringValue, StringValue>("helloworld", "Nope", Wire.Text("a")).AsTask();
        _peer!.Kill();
        RpcException failed = await Assert.ThrowsAsync<RpcException>(() => unanswered.Within());
        Assert.True(failed.Code is RpcErrorCode.Connection or RpcErrorCode.Network, failed.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        if (_peer is null)
        {
            return;
        }

        using (_peer)
        {
            _peer.StandardInput.Close();
            await _peer.WaitForExitAsync().Within();
        }
    }

    private static Task<StringValue> HelloAsync(RpcConnection connection, string text) =>
        connection.CallAsync<StringValue, StringValue>("helloworld", "Hello", Wire.Text(text)).AsTask();
}
