using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using System.Threading.RateLimiting;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>docs/rpc-server.md shows code that compiles, and that does what the page says.</summary>
public sealed partial class RpcServerDocumentTests
{
    [Fact]
    public void Document_Examples_AreThoseThatRun()
    {
        string[] shown = [.. CodeBlock().Matches(Read("docs/rpc-server.md")).Select(block => WithoutIndent(block.Groups["code"].Value))];
        string[] run = [.. Region().Matches(Read("tests/Rpc.Middleware.Tests/Docs/RpcServerExamples.cs") + Read("tests/Rpc.Middleware.Tests/Docs/RpcStreamExamples.cs")
                + Read("tests/Rpc.Middleware.Tests/Docs/RpcSecurityExamples.cs"))
            .Select(region => WithoutIndent(region.Groups["code"].Value))];

        Assert.NotEmpty(shown);
        Assert.Equal(run.Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Middleware_InMaintenance_RefusesAllButHealth()
    {
        RpcServerExamples.Maintenance maintenance = new();
        await using Example example = await Example.StartAsync(app =>
        {
            RpcServerExamples.Middleware(app, maintenance);
            app.MapRpc("health/Check", (Empty nothing) => nothing);
            app.MapRpc("other/Method", (Empty nothing) => nothing);
        });

        await example.CallAsync<Empty, Empty>("other/Method", new Empty());
        maintenance.IsOn = true;
        await example.CallAsync<Empty, Empty>("health/Check", new Empty());
        RpcException error = await Assert.ThrowsAsync<RpcException>(() => example.CallAsync<Empty, Empty>("other/Method", new Empty()));

        Assert.Equal((RpcErrorCode.Server, "Closed for maintenance."), (error.Code, error.Message));
    }

    [Fact]
    public async Task AuthenticatorAndOwnProtocol_OnOnePort_ServeWhoIsKnown()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services =>
            {
                WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
                RpcServerExamples.OwnProtocol(builder);
                RpcServerExamples.Authenticator(builder);
                foreach (ServiceDescriptor service in builder.Services.Where(service => service.ServiceType.Assembly == typeof(IRpcProtocol).Assembly))
                {
                    services.Add(service);
                }

                services.AddSingleton<RpcServerExamples.TokenStore>();
            },
            App = app => app.MapRpc(Golden.Name, (Hello.HelloRequest request, RpcContext call) => new Hello.HelloReply { Msg = call.User.Identity!.Name }),
        });
        await using RawPeer known = await server.ConnectAsync();
        await using RawPeer unknown = await server.ConnectAsync();

        await known.SendAsync(TextPeer.Hello(1, "x", " token=sesame"));
        await unknown.SendAsync(Golden.Call(1));

        Assert.Equal("ali", (await known.ReceiveTextAsync()).Msg);
        Assert.Equal("The token is not known.", (await unknown.ReceiveAsync()).Data.ErrorMessage);
    }

    [Fact]
    public async Task Classes_OfAllKinds_SeeTheCall()
    {
        await using Example example = await Example.StartAsync(RpcServerExamples.UseClasses, RpcServerExamples.RegisterClasses);

        string first = (await example.CallAsync<Empty, StringValue>("who/Am", new Empty())).Value;
        string second = (await example.CallAsync<Empty, StringValue>("who/Am", new Empty())).Value;

        Assert.Matches("^[^ ]+ 1$", first);
        Assert.Equal(first.Replace(" 1", " 2", StringComparison.Ordinal), second);
        Assert.Equal(2, example.Services.GetRequiredService<RpcServerExamples.AuditLog>().Lines.Count(line => line.StartsWith("who/Am from 127.0.0.1:", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Bounds_OfServerMethodsAndLimiters_AreKept()
    {
        await using ConcurrencyLimiter mails = new(new ConcurrencyLimiterOptions { PermitLimit = 1 });
        await using Example example = await Example.StartAsync(
            app => RpcServerExamples.BoundsOfMethods(app, mails),
            builder =>
            {
                RpcServerExamples.Bounds(builder);
                RpcServerExamples.Adaptive(builder);
            });

        Assert.Equal("report x", (await example.CallAsync<StringValue, StringValue>("Reports/Make", new StringValue { Value = "x" })).Value);
        Assert.Equal(1, (await example.CallAsync<Empty, Int32Value>("Reports/Count", new Empty())).Value);
        using (mails.AttemptAcquire())
        {
            RpcException error = await Assert.ThrowsAsync<RpcException>(() => example.CallAsync<StringValue, StringValue>("mail/Send", new StringValue()));
            Assert.Equal("The rate limit of the method is reached.", error.Message);
        }

        await example.CallAsync<StringValue, StringValue>("mail/Send", new StringValue());
        Assert.Equal((200, 4), (example.Services.GetRequiredService<IOptions<RpcServerOptions>>().Value.Limits.Calls.MaxConcurrentCalls, example.Services.GetRequiredService<IOptions<RpcServerOptions>>().Value.Limits.Calls.Adaptive?.MinLimit));
    }

    [Fact]
    public async Task Filter_KnowsThePrice_HandlerIsNotAsked()
    {
        ConcurrentDictionary<string, Int32Value> cache = new();
        await using Example example = await Example.StartAsync(app => RpcServerExamples.Cache(app, cache));

        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(5, (await example.CallAsync<StringValue, Int32Value>("prices/Find", new StringValue { Value = "apple" })).Value);
        }

        Assert.Equal(1, example.Services.GetRequiredService<RpcServerExamples.Prices>().Asked);
    }

    [Theory]
    [InlineData("apple", "placed apple")]
    [InlineData("", "Nothing asked for at")]
    [InlineData("one two three four five", "More than 20 characters.")]
    public async Task FilterForms_EachOne_DoesWhatItSays(string item, string expected)
    {
        await using Example example = await Example.StartAsync(RpcServerExamples.FilterForms);

        Assert.StartsWith(expected, await example.AskAsync("orders/Place", item), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Groups_Methods_HaveTheNamesOfTheComments()
    {
        await using Example example = await Example.StartAsync(RpcServerExamples.Groups);

        Assert.Equal(4, (await example.CallAsync<StringValue, Int32Value>("shop.Inventory/Find", new StringValue { Value = "pear" })).Value);
        Assert.Equal("pear", await example.AskAsync("shop.Orders/Place", "pear"));
        Assert.Equal("pear is awaited", await example.AskAsync("shop.Returns/Announce", "pear"));
        Assert.StartsWith("Nothing asked for", await example.AskAsync("shop.Returns/Announce", ""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Levels_Call_PassesThem()
    {
        await using Example example = await Example.StartAsync(RpcServerExamples.Levels);

        Assert.Equal("x", await example.AskAsync("a/B", "x"));
        Assert.StartsWith("Nothing asked for", await example.AskAsync("a/B", ""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Errors_OfKnownKinds_GetTheirCode()
    {
        ManualTime time = new();
        TaskCompletionSource never = new();
        await using Example example = await Example.StartAsync(app =>
        {
            RpcServerExamples.Errors(app, TimeSpan.FromSeconds(5), time);
            app.MapRpc("slow/Method", async (StringValue text) =>
            {
                await never.Task;
                return text;
            });
            app.MapRpc("unknown/Key", StringValue (StringValue text) => throw new KeyNotFoundException($"There is no '{text.Value}'."));
        });

        Task<string> slow = example.AskAsync("slow/Method", "x", RpcErrorCode.Timeout);
        await time.WaitForTimersAsync(1);
        time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal("'slow/Method' took too long.", await slow);
        Assert.Equal("There is no 'pear'.", await example.AskAsync("unknown/Key", "pear"));
        never.SetResult();
    }

    /// <summary>A file of the repository.</summary>
    internal static string Read(string path)
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Kestrel.Rpc.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("No repository above the tests.");
        }

        return File.ReadAllText(Path.Combine(folder.FullName, path));
    }

    private static string WithoutIndent(string code)
    {
        string[] lines = code.TrimEnd().Split('\n');
        int indent = lines.Where(line => line.Trim().Length > 0).Min(line => line.Length - line.TrimStart().Length);
        return string.Join('\n', lines.Select(line => line.Length > indent ? line[indent..] : ""));
    }

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"// begin: [^\n]+\n(?<code>.*?)\n *// end", RegexOptions.Singleline)]
    private static partial Regex Region();

    /// <summary>A server with one example, and a client of it.</summary>
    private sealed class Example(WebApplication app, RpcConnection client) : IAsyncDisposable
    {
        public IServiceProvider Services => app.Services;

        public static async Task<Example> StartAsync(Action<WebApplication> map, Action<WebApplicationBuilder>? configure = null)
        {
            WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.Services.AddRpc();
            builder.Services.AddSingleton<RpcServerExamples.AuditLog>().AddSingleton<RpcServerExamples.Prices>();
            RpcServerExamples.OnePort(builder);
            configure?.Invoke(builder);
            WebApplication app = builder.Build();
            map(app);
            await app.StartAsync().InTime();
            int port = new Uri(app.Urls.Single()).Port;
            return new Example(app, await RpcConnection.ConnectAsync(
                new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, port),
                new RpcConnectionOptions { ProtocolVersion = 1 }).InTime());
        }

        public Task<TReply> CallAsync<TRequest, TReply>(string name, TRequest request)
            where TRequest : class, IMessage<TRequest>
            where TReply : class, IMessage<TReply>, new()
        {
            RpcMethodName parsed = RpcMethodName.Parse(name);
            return client.CallAsync<TRequest, TReply>(parsed.Service, parsed.Method, request).InTime();
        }

        /// <returns>The reply, or the message of an error with that code.</returns>
        public async Task<string> AskAsync(string name, string text, RpcErrorCode error = RpcErrorCode.Client)
        {
            try
            {
                return (await CallAsync<StringValue, StringValue>(name, new StringValue { Value = text })).Value;
            }
            catch (RpcException exception) when (exception.Code == error)
            {
                return exception.Message;
            }
        }

        public async ValueTask DisposeAsync()
        {
            await client.DisposeAsync().InTime();
            await app.StopAsync().InTime();
            await app.DisposeAsync().InTime();
        }
    }
}
