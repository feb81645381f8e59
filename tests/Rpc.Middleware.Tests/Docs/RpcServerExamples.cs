using Google.Protobuf;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Claims;
using System.Security.Principal;
using System.Threading.RateLimiting;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What docs/rpc-server.md shows, between "begin" and "end". <see cref="RpcServerDocumentTests"/> runs it.</summary>
internal static class RpcServerExamples
{
    public static void Middleware(WebApplication app, Maintenance maintenance)
    {
        // begin: middleware
        app.UseRpc(rpc => rpc.Use((call, next) =>
            maintenance.IsOn && call.Service != "health"
                ? throw new RpcException(RpcErrorCode.Server, "Closed for maintenance.")
                : next(call)));
        // end
    }

    public static void OnePort(WebApplicationBuilder builder)
    {
        // begin: one port
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
        // end
    }

    public static void OwnProtocol(WebApplicationBuilder builder)
    {
        // begin: own protocol
        builder.Services.AddRpcProtocol<TextProtocol>();
        // end
    }

    public static void Authenticator(WebApplicationBuilder builder)
    {
        // begin: authenticator
        builder.Services.AddRpcConnectionAuthenticator<ByToken>();
        // end
    }

    public static void Bounds(WebApplicationBuilder builder)
    {
        // begin: bounds
        builder.Services.AddRpc(options =>
        {
            options.Limits.Calls.MaxConcurrentCalls = 200;
            options.Limits.CallsPerConnection.MaxConcurrentCalls = 20;
            options.Limits.CallsPerConnection.AtLimit = RpcLimitPolicy.Wait;
            options.Limits.PriorityKey = "rpc-priority";
        });
        // end
    }

    public static void Adaptive(WebApplicationBuilder builder)
    {
        // begin: adaptive bound
        builder.Services.AddRpc(options => options.Limits.Calls.Adaptive = new RpcAdaptiveConcurrencyOptions { MinLimit = 4 });
        // end
    }

    public static void BoundsOfMethods(WebApplication app, RateLimiter mails)
    {
        // begin: bounds of methods
        RpcGroupBuilder reports = app.MapRpcGroup("Reports").RequireConcurrency(4, RpcLimitPolicy.Wait); // four for each of its methods
        reports.MapRpc("Make", (StringValue name) => new StringValue { Value = $"report {name.Value}" });
        reports.MapRpc("Count", (Empty _) => new Int32Value { Value = 1 }).DisableServerConcurrencyLimit();
        app.MapRpc("mail/Send", (StringValue text) => text).RequireRateLimiter(mails);
        // end
    }

    public static void RegisterClasses(WebApplicationBuilder builder)
    {
        // begin: registered classes
        builder.Services.AddSingleton<Audit>();     // one for all calls
        builder.Services.AddScoped<Tenant>();       // one for each call
        builder.Services.AddScoped<FindTenant>();   // made for each call, in its scope
        // end
    }

    public static void UseClasses(WebApplication app)
    {
        // begin: used classes
        app.UseRpc(rpc => rpc.Use<Audit>().Use<Counter>().Use<FindTenant>());
        // end
        app.MapRpc("who/Am", (Empty _, Tenant tenant, RpcContext call) => new StringValue { Value = $"{tenant.Name} {call.Items["number"]}" });
    }

    public static void Cache(WebApplication app, ConcurrentDictionary<string, Int32Value> cache)
    {
        // begin: filter
        app.MapRpc("prices/Find", (StringValue item, Prices prices) => prices.FindAsync(item.Value))
            .AddRpcFilter(async (call, next) =>
            {
                string item = ((StringValue)call.Request).Value;
                if (cache.TryGetValue(item, out Int32Value? known))
                {
                    call.Reply = known; // the handler is not called
                    return;
                }

                await next(call);
                cache[item] = (Int32Value)call.Reply!;
            });
        // end
    }

    public static void FilterForms(WebApplication app)
    {
        // begin: filter forms
        app.MapRpc("orders/Place", (StringValue item) => new StringValue { Value = $"placed {item.Value}" })
            .WithMetadata(new LongestText(20))
            .AddRpcFilter((call, next) => next(call))   // a delegate
            .AddRpcFilter<NotEmpty>()                   // a class
            .AddRpcFilterFactory((method, next) =>      // made for each method, when the host starts
                method.Metadata.GetMetadata<LongestText>() is not { } longest
                    ? next                              // this method has none
                    : call => ((StringValue)call.Request).Value.Length <= longest.Length
                        ? next(call)
                        : throw new RpcException(RpcErrorCode.Client, $"More than {longest.Length} characters."));
        // end
    }

    public static void Groups(WebApplication app)
    {
        // begin: groups
        RpcGroupBuilder shop = app.MapRpcGroup("shop").AddRpcFilter<NotEmpty>();

        RpcGroupBuilder inventory = shop.MapRpcGroup("Inventory").WithScheduling(RpcScheduling.Inline);
        inventory.MapRpc("Find", (StringValue item) => new Int32Value { Value = item.Value.Length });  // shop.Inventory/Find

        shop.MapRpc("Orders/Place", (StringValue item) => item);                                       // shop.Orders/Place
        shop.MapReturns();                                                                             // shop.Returns/Announce
        // end
    }

    // begin: module
    public static void MapReturns(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapRpcGroup("Returns").MapRpc("Announce", (StringValue item) => new StringValue { Value = $"{item.Value} is awaited" });
    // end

    public static void Levels(WebApplication app)
    {
        // begin: levels
        app.UseRpc(rpc => rpc
            .Use((call, next) => next(call))            // 1
            .AddRpcFilter<NotEmpty>());                 // 2: all methods, also those mapped above
        RpcGroupBuilder group = app.MapRpcGroup("a").AddRpcFilter((call, next) => next(call));                         // 3
        group.MapRpc("B", (StringValue text) => text).AddRpcFilter((call, next) => next(call));                        // 4, then the handler
        // end
    }

    public static void Errors(WebApplication app, TimeSpan limit, TimeProvider time)
    {
        // begin: errors
        app.UseRpc(rpc => rpc.Use(async (call, next) =>
        {
            try
            {
                await next(call).AsTask().WaitAsync(limit, time);
            }
            catch (TimeoutException)
            {
                throw new RpcException(RpcErrorCode.Timeout, $"'{call.Name}' took too long.");
            }
            catch (KeyNotFoundException exception)
            {
                throw new RpcException(RpcErrorCode.Client, exception.Message);
            }
        }));
        // end
    }

    // begin: middleware classes
    public sealed class Audit(AuditLog log) : IRpcMiddleware
    {
        public async ValueTask InvokeAsync(RpcContext context, RpcDelegate next)
        {
            string call = $"{context.Name} from {context.RemoteEndPoint}";
            await next(context);
            log.Add(call);
        }
    }

    public sealed class FindTenant(Tenant tenant) : IRpcMiddleware
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next)
        {
            tenant.Name = context.Connection.ConnectionId;
            return next(context);
        }
    }

    // Not registered: created once, with what comes after it.
    public sealed class Counter(RpcDelegate next)
    {
        private long _calls;

        public ValueTask InvokeAsync(RpcContext context)
        {
            context.Items["number"] = Interlocked.Increment(ref _calls);
            return next(context);
        }
    }
    // end

    // begin: filter class
    public sealed class NotEmpty(TimeProvider time) : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) =>
            context.Request is IMessage request && request.CalculateSize() > 0
                ? next(context)
                : throw new RpcException(RpcErrorCode.Client, $"Nothing asked for at {time.GetUtcNow():yyyy-MM-dd}.");
    }
    // end

    public sealed class Maintenance
    {
        public bool IsOn { get; set; }
    }

    public sealed class AuditLog
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyList<string> Lines => [.. _lines];

        public void Add(string line) => _lines.Enqueue(line);
    }

    public sealed class Tenant
    {
        public string Name { get; set; } = "";
    }

    public sealed class Prices
    {
        public int Asked { get; private set; }

        public async Task<Int32Value> FindAsync(string item)
        {
            Asked++;
            await Task.Yield();
            return new Int32Value { Value = item.Length };
        }
    }

    private sealed record LongestText(int Length);

    // begin: authenticator class
    public sealed class ByToken(TokenStore tokens) : IRpcConnectionAuthenticator
    {
        public async ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken)
        {
            string? token = context.Metadata.GetValue("token");
            return token is not null && await tokens.FindAsync(token, cancellationToken) is { } name
                ? RpcAuthentication.Accept(new ClaimsPrincipal(new GenericIdentity(name)))
                : RpcAuthentication.Refuse("The token is not known.");
        }
    }
    // end

    public sealed class TokenStore
    {
        public Task<string?> FindAsync(string token, CancellationToken cancellationToken) =>
            Task.FromResult(token == "sesame" ? "ali" : null).WaitAsync(cancellationToken);
    }
}
