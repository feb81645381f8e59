using Golden.Clashes;
using Golden.Edition;
using Golden.Shared;
using Golden.TypeUsers.V1Beta2;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>Services whose messages and names are out of the ordinary are bound and called all the same.</summary>
public sealed class TypeTests
{
    [Fact]
    public async Task Messages_FromEverywhere_Travel()
    {
        await using ServiceHost host = await StartAsync();
        TypeUsers.TypeUsersClient client = new(host.Connection);

        Assert.Equal("deep", (await client.NestedAsync(new() { Text = "deep" }).Limited()).Text);
        Assert.Equal(1, (await client.WellKnownAsync(new Empty()).Limited()).Seconds);
        Assert.Equal("added", (await client.ImportedAsync(new() { Text = "added" }).Limited()).Text);
        using RpcDuplexStreamingCall<StringValue, Int32Value> wrapped = client.Wrapped();
        await wrapped.Requests.WriteAsync(new StringValue { Value = "four" }).Limited();
        Assert.True(await wrapped.Replies.MoveNextAsync().Limited());
        Assert.Equal(4, wrapped.Replies.Current.Value);
    }

    [Fact]
    public async Task Services_OfTwoFilesWithOnePackage_AreApart()
    {
        await using ServiceHost host = await StartAsync();

        Assert.Equal("first", (await new First.FirstClient(host.Connection).AskAsync(new SharedRequest()).Limited()).From);
        Assert.Equal("second", (await new Second.SecondClient(host.Connection).AskAsync(new SharedRequest()).Limited()).From);
    }

    [Fact]
    public async Task Names_ThatClash_AreCalledAsTheyAreInTheFile()
    {
        await using ServiceHost host = await StartAsync();
        Clashes.ClashesClient client = new(host.Connection);
        Text text = new() { Text_ = "x" };

        Assert.Equal("ToString", (await client.ToStringAsync(text).Limited()).Text_);
        Assert.Equal("class", (await client.ClassAsync(text).Limited()).Text_);
        Assert.Equal("ClashesBase", (await client.ClashesBase_Async(text).Limited()).Text_);
        Assert.Equal("Hello", (await client.HelloAsync(text).Limited()).Text_);
        using RpcServerStreamingCall<Text> stream = client.HelloAsync_(text);
        Assert.True(await stream.Replies.MoveNextAsync().Limited());
        Assert.Equal("HelloAsync", stream.Replies.Current.Text_);
    }

    [Fact]
    public async Task Edition2023_Service_IsCalled()
    {
        await using ServiceHost host = await StartAsync();

        EditionReply reply = await new Edition.EditionClient(host.Connection).AskAsync(new EditionRequest { Text = "2023" }).Limited();

        Assert.Equal("2023", reply.Text);
    }

    private static Task<ServiceHost> StartAsync() => ServiceHost.StartAsync(_ => { }, app =>
    {
        app.MapRpcService<TypeUsersService>();
        app.MapRpcService<FirstService>();
        app.MapRpcService<SecondService>();
        app.MapRpcService<ClashesService>();
        app.MapRpcService<EditionService>();
    });

    private sealed class TypeUsersService : TypeUsers.TypeUsersBase
    {
        public override ValueTask<Own.Types.Reply> Nested(Golden.Common.Outer.Types.Middle.Types.Inner request, RpcContext context) =>
            new(new Own.Types.Reply { Text = request.Text });

        public override ValueTask<Timestamp> WellKnown(Empty request, RpcContext context) => new(new Timestamp { Seconds = 1 });

        public override async ValueTask Wrapped(IRpcStreamReader<StringValue> requests, IRpcStreamWriter<Int32Value> replies, RpcContext context)
        {
            await foreach (StringValue request in requests.ReadAllAsync(context.CancellationToken))
            {
                await replies.WriteAsync(new Int32Value { Value = request.Value.Length }, context.CancellationToken);
            }
        }

        public override ValueTask<Own.Types.Reply> Imported(Golden.Reexported.Added request, RpcContext context) => new(new Own.Types.Reply { Text = request.Text });
    }

    private sealed class FirstService : First.FirstBase
    {
        public override ValueTask<SharedReply> Ask(SharedRequest request, RpcContext context) => new(new SharedReply { From = "first" });
    }

    private sealed class SecondService : Second.SecondBase
    {
        public override ValueTask<SharedReply> Ask(SharedRequest request, RpcContext context) => new(new SharedReply { From = "second" });
    }

    private sealed class ClashesService : Clashes.ClashesBase
    {
        public override ValueTask<Text> ToString(Text request, RpcContext context) => Named(context);

        public override ValueTask<Text> Class(Text request, RpcContext context) => Named(context);

        public override ValueTask<Text> ClashesBase_(Text request, RpcContext context) => Named(context);

        public override ValueTask<Text> Hello(Text request, RpcContext context) => Named(context);

        public override async ValueTask HelloAsync(Text request, IRpcStreamWriter<Text> replies, RpcContext context) =>
            await replies.WriteAsync(await Named(context), context.CancellationToken);

        private static ValueTask<Text> Named(RpcContext context) => new(new Text { Text_ = context.Method });
    }

    private sealed class EditionService : Edition.EditionBase
    {
        public override ValueTask<EditionReply> Ask(EditionRequest request, RpcContext context) => new(new EditionReply { Text = request.Text });
    }
}
