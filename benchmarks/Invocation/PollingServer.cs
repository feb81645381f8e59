using Kestrel.Rpc.Invocation;

namespace Kestrel.Rpc.Benchmarks.Invocation;

/// <summary>A channel whose server spins on a thread of its own and answers with the argument plus one.</summary>
internal sealed class PollingServer : IDisposable
{
    private readonly InvocationChannel<long, long> _channel;
    private readonly Thread _thread;

    public PollingServer(InvocationChannelOptions options)
    {
        _channel = new InvocationChannel<long, long>(options);
        var server = new InvocationServer<long, long>(
            _channel.Source,
            InvocationHandler.FromFunction((long argument) => argument + 1),
            new InvocationServerOptions { SpinTime = Timeout.InfiniteTimeSpan });
        _thread = new Thread(() => server.Run(CancellationToken.None)) { IsBackground = true, Name = "server" };
        _thread.Start();
    }

    public InvocationChannelClient<long, long> Client => _channel.Client;

    public static void Check(long argument, long reply)
    {
        if (reply != argument + 1)
        {
            throw new InvalidOperationException($"The reply to {argument} is {reply}.");
        }
    }

    public void Dispose()
    {
        _channel.Source.Complete();
        _thread.Join();
        _channel.Source.Dispose();
    }
}
