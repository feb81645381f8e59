using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>The call of the code that runs, for those who have no parameter for it.</summary>
public sealed class ContextAccessorTests
{
    private static readonly RpcMethod<Empty, Empty> Method = RpcMethod.Unary<Empty, Empty>("test", "Call");

    [Fact]
    public async Task Context_OfACall_IsTheOneOfTheHandlerAlsoBehindAwaits()
    {
        List<bool> same = [];
        await using InProcessServer server = await InProcessServer.StartAsync(
            app => app.MapRpc("test/Call", async (Empty request, RpcContext call, IRpcContextAccessor accessor) =>
            {
                same.Add(ReferenceEquals(call, accessor.Context));
                await Task.Yield();
                same.Add(ReferenceEquals(call, accessor.Context));
            }),
            services => services.AddRpcContextAccessor());

        await server.Connection.CallAsync(Method, new Empty()).InTime();

        Assert.Equal([true, true], same);
    }

    [Fact]
    public async Task Context_AfterItsCall_IsGone()
    {
        TaskCompletionSource goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<(bool Before, bool After)>? rest = null;
        await using InProcessServer server = await InProcessServer.StartAsync(
            app => app.MapRpc("test/Call", (Empty request, IRpcContextAccessor accessor) =>
            {
                rest ??= LookAsync(accessor, goOn.Task);
            }),
            services => services.AddRpcContextAccessor());

        await server.Connection.CallAsync(Method, new Empty()).InTime();
        await server.Connection.CallAsync(Method, new Empty()).InTime();
        goOn.SetResult();

        Assert.Equal((true, false), await rest!.InTime());
    }

    [Fact]
    public async Task Context_OutsideOfCalls_IsNull()
    {
        await using InProcessServer server = await InProcessServer.StartAsync(
            app => Assert.Null(app.Services.GetRequiredService<IRpcContextAccessor>().Context),
            services => services.AddRpcContextAccessor().AddRpcContextAccessor());
    }

    private static async Task<(bool Before, bool After)> LookAsync(IRpcContextAccessor accessor, Task goOn)
    {
        bool before = accessor.Context is not null;
        await goOn;
        return (before, accessor.Context is not null);
    }
}
