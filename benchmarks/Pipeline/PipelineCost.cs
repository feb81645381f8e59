using BenchmarkDotNet.Attributes;
using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Middleware;
using Microsoft.AspNetCore.Builder;

namespace Kestrel.Rpc.Benchmarks.Pipeline;

/// <summary>
/// What a call pays for middleware and filters that pass it on: from the moment its request is parsed until its reply is there,
/// without connection and frames. The difference to the first line is the price.
/// </summary>
[MemoryDiagnoser]
public class PipelineCost
{
    private PreparedCall _handler = null!;
    private PreparedCall _delegates = null!;
    private PreparedCall _classes = null!;
    private PreparedCall _awaiting = null!;
    private PreparedCall _fiveAsyncMethods = null!;
    private PreparedCall _signedIn = null!;
    private PreparedCall _role = null!;

    [GlobalSetup]
    public void Setup()
    {
        _handler = new PreparedCall(_ => { }, _ => { });
        _delegates = new PreparedCall(
            rpc => rpc.Use((call, next) => next(call)).Use((call, next) => next(call)).Use((call, next) => next(call)),
            method => method.AddRpcFilter((call, next) => next(call)).AddRpcFilter((call, next) => next(call)));
        _classes = new PreparedCall(
            rpc => rpc.Use<RegisteredMiddleware>().Use<RegisteredMiddleware>().Use<ConventionalMiddleware>(),
            method => method.AddRpcFilter<Filter>().AddRpcFilter<Filter>());
        _awaiting = new PreparedCall(
            rpc => rpc
                .Use(async (call, next) => await next(call))
                .Use(async (call, next) => await next(call))
                .Use(async (call, next) => await next(call)),
            method => method
                .AddRpcFilter(async (call, next) => await next(call))
                .AddRpcFilter(async (call, next) => await next(call)));

        _signedIn = new PreparedCall(_ => { }, method => method.RequireAuthorization());
        _role = new PreparedCall(_ => { }, method => method.RequireAuthorization(policy => policy.RequireRole("ops")));

        RpcDelegate chain = PreparedCall.Answer;
        for (int i = 0; i < 5; i++)
        {
            RpcDelegate next = chain;
            chain = async call => await next(call);
        }

        _fiveAsyncMethods = new PreparedCall(_ => { }, _ => { }, chain);
    }

    [Benchmark(Baseline = true)]
    public bool HandlerAlone() => _handler.Run();

    [Benchmark]
    public bool ThreeMiddlewareTwoFilters() => _delegates.Run();

    [Benchmark]
    public bool ThreeMiddlewareTwoFiltersOfClasses() => _classes.Run();

    [Benchmark]
    public bool ThreeMiddlewareTwoFiltersThatAwait() => _awaiting.Run();

    /// <summary>No middleware at all: what C# takes for async methods that await each other.</summary>
    [Benchmark]
    public bool FiveAsyncMethodsInTheHandler() => _fiveAsyncMethods.Run();

    /// <summary>No middleware: what ASP.NET's service for policies takes.</summary>
    [Benchmark]
    public bool PolicyOfWhoIsSignedIn() => _signedIn.Run();

    [Benchmark]
    public bool PolicyOfARole() => _role.Run();

    /// <summary>Resolved from dependency injection, once.</summary>
    public sealed class RegisteredMiddleware : IRpcMiddleware
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => next(context);
    }

    /// <summary>Created with what comes after it.</summary>
    public sealed class ConventionalMiddleware(RpcDelegate next)
    {
        public ValueTask InvokeAsync(RpcContext context) => next(context);
    }

    /// <summary>Not registered: created once.</summary>
    public sealed class Filter : IRpcFilter
    {
        public ValueTask InvokeAsync(RpcContext context, RpcDelegate next) => next(context);
    }
}
