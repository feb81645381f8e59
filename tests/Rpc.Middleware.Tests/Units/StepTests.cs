using System.Buffers;
using System.IO.Pipelines;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Which parts of a pipeline are counted as running, so that their context is not used for another call.</summary>
public sealed class StepTests
{
    private readonly TaskCompletionSource _pending = new();

    [Fact]
    public void Step_BelowTheStartOfItsCall_IsNotCounted()
    {
        bool? counted = null;
        RpcCall call = Start(RpcStep.Count(context =>
        {
            counted = ((RpcCall)context).HasRunningSteps;
            return default;
        }));

        Assert.True(call.TryRun());
        Assert.False(counted);
        Assert.False(call.HasRunningSteps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_OnAnotherThread_IsCountedWhileItRuns(bool fails)
    {
        bool? counted = null;
        RpcDelegate step = RpcStep.Count(context =>
        {
            counted = ((RpcCall)context).HasRunningSteps;
            return fails ? throw new InvalidOperationException() : default;
        });
        RpcCall call = Start(context =>
        {
            Thread thread = new(() => Assert.Equal(fails, Record.Exception(() => step(context).AsTask().GetAwaiter().GetResult()) is not null));
            thread.Start();
            Assert.True(thread.Join(TimeLimits.Limit));
            return default;
        });

        Assert.True(call.TryRun());
        Assert.True(counted);
        Assert.False(call.HasRunningSteps);
    }

    // The thread that started the call may be the one that goes on with it later.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_OnTheSameThreadAfterTheStart_IsCountedWhileItRuns(bool startFails)
    {
        bool? counted = null;
        RpcDelegate step = RpcStep.Count(context =>
        {
            counted = ((RpcCall)context).HasRunningSteps;
            return default;
        });
        RpcCall call = Start(_ => startFails ? throw new InvalidOperationException() : new ValueTask(_pending.Task));
        Assert.Equal(startFails, call.TryRun());

        Assert.True(step(call).AsTask().IsCompletedSuccessfully);

        Assert.True(counted);
        Assert.False(call.HasRunningSteps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Step_NotEnded_IsCountedUntilItHas(bool fails)
    {
        RpcDelegate step = RpcStep.Count(_ => new ValueTask(_pending.Task));
        Task? running = null;
        RpcCall call = Start(context =>
        {
            running = step(context).AsTask();
            return default;
        });

        Assert.True(call.TryRun());
        Assert.True(call.HasRunningSteps);
        if (fails)
        {
            _pending.SetException(new InvalidOperationException());
            await Assert.ThrowsAsync<InvalidOperationException>(() => running!.InTime());
        }
        else
        {
            _pending.SetResult();
            await running!.InTime();
        }

        Assert.False(call.HasRunningSteps);
    }

    [Fact]
    public void Step_CalledTwiceAtOnce_IsCountedUntilBothHaveEnded()
    {
        TaskCompletionSource second = new();
        bool isFirst = true;
        RpcDelegate step = RpcStep.Count(_ =>
        {
            Task task = isFirst ? _pending.Task : second.Task;
            isFirst = false;
            return new ValueTask(task);
        });
        Task? both = null;
        RpcCall call = Start(context =>
        {
            both = Task.WhenAll(step(context).AsTask(), step(context).AsTask());
            return default;
        });

        Assert.True(call.TryRun());
        second.SetResult();
        Assert.True(call.HasRunningSteps);
        _pending.SetResult();
        Assert.True(both!.IsCompletedSuccessfully);
        Assert.False(call.HasRunningSteps);
    }

    private static RpcCall Start(RpcDelegate pipeline)
    {
        ServiceCollection services = new();
        services.AddLogging();
        services.AddRpc();
        RpcServer server = services.BuildServiceProvider().GetRequiredService<RpcServer>();
        server.Map(RpcNames.Parse(Golden.Name, "name"), RpcHandlerMethod.Of(pipeline), new RpcBoundHandler(RpcRequestParsers.Create<HelloRequest>(), pipeline));
        server.Freeze();
        Pipe pipe = new();
        Duplex transport = new(pipe.Reader, pipe.Writer);
        RpcCall call = new(new RpcServerConnection(server, new DefaultConnectionContext("memory", transport, transport), server.Dispatch), isPooled: true);
        ReadOnlySequence<byte> buffer = new(Golden.Request);
        RpcFrameReader.TryRead(ref buffer, RpcFrameLimits.Default, out RpcFrame frame, out _);
        call.Start(1, receivedAt: 0);
        Assert.True(call.TryPrepare(server.Dispatch.Find(frame.ProtocolData, out _)!.Route, frame.Body));
        return call;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
