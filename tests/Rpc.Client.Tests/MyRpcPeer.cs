using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Kestrel.Rpc.Client.Tests;

/// <summary>A MyRPC server in another language and another process.</summary>
internal sealed class MyRpcPeer : IAsyncDisposable
{
    private readonly Process _process;

    private MyRpcPeer(Process process, IPEndPoint endPoint)
    {
        _process = process;
        EndPoint = endPoint;
    }

    public IPEndPoint EndPoint { get; }

    /// <summary>Starts the peer. Without python3 the test is skipped, but fails where CI=true.</summary>
    /// <param name="tolerant">Whether it keeps what comes behind a request; the original does not.</param>
    public static async Task<MyRpcPeer> StartAsync(bool tolerant = false)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "myrpc_peer.py");
        ProcessStartInfo start = new("python3", tolerant ? [script, "--tolerant"] : [script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        Process? process = null;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            string reason = $"The MyRPC peer needs python3: {exception.Message}";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", reason);
            Assert.Fail(reason);
        }

        string? port = await process.StandardOutput.ReadLineAsync().Within();
        return new MyRpcPeer(process, new IPEndPoint(IPAddress.Loopback, int.Parse(port!, CultureInfo.InvariantCulture)));
    }

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        using (_process)
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync().Within();
        }
    }
}
