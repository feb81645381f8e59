using System.Diagnostics;
using System.Reflection;
using Hello;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// Contexts are used again. A Debug build of the server notices one that is used after its call; a Release build has nothing of
/// that compiled in. The tests run against the build that they are.
/// </summary>
public sealed class ContextAfterCallTests
{
#if DEBUG
    private const bool IsChecked = true;
#else
    private const bool IsChecked = false;
#endif

    private static readonly PropertyInfo[] Properties = typeof(RpcContext).GetProperties(BindingFlags.Instance | BindingFlags.Public);

    public static TheoryData<string> Members =>
    [
        .. Properties.Where(item => item.CanRead).Select(item => $"get_{item.Name}"),
        .. Properties.Where(item => item.CanWrite).Select(item => $"set_{item.Name}"),
    ];

    /// <summary>Each member that the context implements calls the check, in a Debug build alone. The others are made of these.</summary>
    [Theory, MemberData(nameof(Members))]
    public void Member_Compiled_ChecksInDebugAlone(string member)
    {
        MethodInfo declared = typeof(RpcContext).GetMethod(member)!;
        if (declared.IsAbstract)
        {
            byte[] code = typeof(RpcCall).GetMethod(member)!.GetMethodBody()!.GetILAsByteArray()!;
            Assert.Equal(IsChecked, Calls(code, Check("ThrowIfEnded")));
        }
        else
        {
            byte[] code = declared.GetMethodBody()!.GetILAsByteArray()!;
            Assert.Contains(
                Properties.Where(item => item.GetMethod!.IsAbstract), item => Calls(code, item.GetMethod!, virtually: true));
        }
    }

    [Fact]
    public void Check_Compiled_IsConditionalAndLeavesNoField()
    {
        Assert.All(
            [Check("ThrowIfEnded"), Check("NoteEnd"), Check("NoteStart")],
            method => Assert.Equal("DEBUG", Assert.Single(method.GetCustomAttributes<ConditionalAttribute>()).ConditionString));
        Assert.Equal(
            IsChecked,
            typeof(RpcCall).GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Any(field => field.Name.Contains("nded", StringComparison.Ordinal) && field.Name != "_onPipelineEnded"));
    }

#if DEBUG
    [Theory, MemberData(nameof(Members))]
    public async Task Member_AfterTheCall_ThrowsAndNamesTheCall(string member)
    {
        List<RpcContext> contexts = [];
        await using TestServer server = await StartAsync(contexts.Add);
        await using RawPeer peer = await server.ConnectAsync();
        await peer.SendAsync(Golden.Call(77));
        await peer.ReceiveAsync();

        // While other calls run on the same connection, too.
        for (uint id = 0; id < 10; id++)
        {
            Exception? error = Assert.Throws<TargetInvocationException>(() => Access(contexts[0], member)).InnerException;
            ObjectDisposedException disposed = Assert.IsType<ObjectDisposedException>(error);
            Assert.Contains("'helloworld/Hello'", disposed.Message, StringComparison.Ordinal);
            Assert.Contains("77", disposed.Message, StringComparison.Ordinal);
            await peer.SendAsync(Golden.Call(id));
            await peer.ReceiveAsync();
        }
    }

    [Fact]
    public async Task Context_AfterACallThatIsNotPooled_ThrowsAsWell()
    {
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        const int Count = RpcCallPool.MaxPooled + 5;
        List<RpcContext> contexts = [];
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app => app.MapRpc(Golden.Name, async (HelloRequest _, RpcContext call) =>
            {
                lock (contexts)
                {
                    contexts.Add(call);
                }

                await open.Task;
                return new HelloReply();
            }),
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Enumerable.Range(0, Count).SelectMany(id => Golden.Call((uint)id)).ToArray());
        while (true)
        {
            lock (contexts)
            {
                if (contexts.Count == Count)
                {
                    break;
                }
            }

            await Task.Yield();
        }

        open.SetResult();
        await peer.ReceiveAsync(Count);
        Assert.Equal(5, contexts.Count(context => !((RpcCall)context).IsPooled));
        Assert.All(contexts, context => Assert.Throws<ObjectDisposedException>(() => context.Items));
    }

    [Fact]
    public async Task Context_LeftToARunningStep_StaysUsableUntilThatHasEnded()
    {
        TaskCompletionSource finish = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource<string> late = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            App = app =>
            {
                app.UseRpc(rpc => rpc.Use((call, next) =>
                {
                    _ = next(call).AsTask();
                    call.Reply = new HelloReply { Msg = "early" };
                    return default;
                }));
                app.MapRpc(Golden.Name, async (HelloRequest _, RpcContext call) =>
                {
                    await finish.Task;
                    late.SetResult($"{call.Name} {call.SequenceId} {call.Items.Count}");
                    return new HelloReply { Msg = "late" };
                });
            },
        });
        await using RawPeer peer = await server.ConnectAsync();

        await peer.SendAsync(Golden.Call(9));
        Assert.Equal("early", (await peer.ReceiveAsync()).Msg);
        finish.SetResult();

        Assert.Equal("helloworld/Hello 9 0", await late.Task.InTime());
    }
#endif

    [Theory]
    [InlineData(RpcScheduling.ThreadPool)]
    [InlineData(RpcScheduling.Inline)]
    public async Task Context_UsedAgain_HasNothingOfTheCallBefore(RpcScheduling scheduling)
    {
        const int Count = 300;
        HashSet<RpcContext> contexts = [];
        List<string> leftovers = [];
        await using TestServer server = await StartAsync(
            call =>
            {
                contexts.Add(call);
                if (call.Items.Count > 0 || call.Reply is not null || call.Features.Get<string>() is not null || ((RpcCall)call).HasScope)
                {
                    leftovers.Add($"{call.SequenceId}: {call.Items.Count} {call.Reply} {call.Features.Get<string>()}");
                }

                call.Items["key"] = "value";
                call.Features.Set("feature");
                _ = call.RequestServices;
                if (call.SequenceId % 3 == 0)
                {
                    throw new InvalidOperationException("every third");
                }
            },
            scheduling);
        await using RawPeer peer = await server.ConnectAsync();

        for (uint id = 0; id < Count; id++)
        {
            await peer.SendAsync(Golden.Call(id, $"{id}"));
            RawReply reply = await peer.ReceiveAsync();
            Assert.Equal(id % 3 == 0 ? "SERVER" : null, reply.Data.ErrorCode);
            if (id % 3 != 0)
            {
                Assert.Equal($"{id}", reply.Msg);
            }
        }

        Assert.Empty(leftovers);
        Assert.InRange(contexts.Count, 1, Count / 2);
    }

    private static Task<TestServer> StartAsync(Action<RpcContext> look, RpcScheduling scheduling = RpcScheduling.ThreadPool) =>
        TestServer.StartAsync(new TestServerSetup
        {
            Rpc = options => options.Scheduling = scheduling,
            App = app => app.MapRpc(Golden.Name, (HelloRequest request, RpcContext call) =>
            {
                look(call);
                return new HelloReply { Msg = request.Msg };
            }),
        });

    private static object? Access(RpcContext context, string member)
    {
        MethodInfo method = typeof(RpcContext).GetMethod(member)!;
        return method.Invoke(context, method.GetParameters().Length == 0 ? null : [null]);
    }

    private static MethodInfo Check(string name) => typeof(RpcCall).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!;

    // call: 0x28, callvirt: 0x6F, each with the token of the method in little-endian order.
    private static bool Calls(byte[] code, MethodInfo method, bool virtually = false) =>
        code.AsSpan().IndexOf([virtually ? (byte)0x6F : (byte)0x28, .. BitConverter.GetBytes(method.MetadataToken)]) >= 0;
}
