using System.Buffers;
using System.IO.Pipelines;
using Google.Protobuf;
using Hello;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>A connection that sends without end gives its thread up, whatever its protocol.</summary>
public sealed class PluggedFairnessTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Flood_OfManyCalls_GivesTheThreadUp(bool isPlugged)
    {
        const int Calls = 20_000;
        int handledHere = 0;
        int handled = 0;
        Thread me = Thread.CurrentThread;
        ServiceCollection services = new();
        services.AddLogging();
        services.AddRpc(options => options.Scheduling = RpcScheduling.Inline);
        await using ServiceProvider provider = services.BuildServiceProvider();
        RpcServer server = provider.GetRequiredService<RpcServer>();
        RpcBoundHandler handler = CallBatchTests.Handler(_ =>
        {
            handled++;
            if (Thread.CurrentThread == me)
            {
                handledHere++;
            }
        });
        server.Map(RpcNames.Parse(Golden.Name, "name"), RpcHandlerMethod.Of(handler.Handler), handler);
        server.Freeze();
        Pipe input = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, useSynchronizationContext: false));
        for (uint i = 1; i <= Calls; i++)
        {
            input.Writer.Write(isPlugged ? TextProtocol.Call(i, Golden.Name, new HelloRequest { Msg = "x" }.ToByteArray()) : Golden.Call(i));
        }

        await input.Writer.FlushAsync();
        DuplexPipe transport = new(input.Reader, new CountingPipeWriter());
        Task running = new RpcServerConnection(server, new DefaultConnectionContext("memory", transport, transport), server.Dispatch, isPlugged ? new TextProtocol() : null).RunAsync();
        int first = handledHere;
        await input.Writer.CompleteAsync();
        await running.InTime();
        Assert.Equal(Calls, handled);
        Assert.True(first <= 512, $"{first} calls were handled before the thread was given up.");
    }

    private sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
