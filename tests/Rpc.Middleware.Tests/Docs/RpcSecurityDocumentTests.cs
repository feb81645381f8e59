using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What docs/rpc-server.md says of tokens and policies happens.</summary>
public sealed class RpcSecurityDocumentTests
{
    [Fact]
    public async Task TokensAndPolicies_OfThePage_KnowWhoMayDoWhat()
    {
        await using TestServer server = await TestServer.StartAsync(new TestServerSetup
        {
            Services = services =>
            {
                WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
                int before = builder.Services.Count;
                RpcSecurityExamples.Tokens(builder);
                RpcSecurityExamples.RegisterPolicies(builder);
                foreach (ServiceDescriptor service in builder.Services.Skip(before).Where(service => service.ServiceType.FullName!.Contains("Auth", StringComparison.Ordinal)))
                {
                    services.Add(service);
                }

                services.AddSingleton<RpcServerExamples.TokenStore>();
            },
            App = RpcSecurityExamples.Policies,
        });
        await using RpcConnection client = await RpcConnection.ConnectAsync(server.EndPoint).InTime();

        await client.CallAsync(RpcMethod.Unary<StringValue, Int32Value>("stock", "Count"), new StringValue()).AsTask().InTime();
        Assert.Equal(RpcStatusCode.Unauthenticated, await DropAsync(null));
        Assert.Equal(RpcStatusCode.Unauthenticated, await DropAsync("wrong"));
        Assert.Equal(RpcStatusCode.PermissionDenied, await DropAsync("sesame"));

        async Task<RpcStatusCode> DropAsync(string? token)
        {
            RpcCallOptions options = new() { Metadata = token is null ? null : new RpcMetadata { { "authorization", $"Bearer {token}" } } };
            RpcException failed = await Assert.ThrowsAsync<RpcException>(
                () => client.CallAsync(RpcMethod.Unary<StringValue, Empty>("stock", "Drop"), new StringValue(), options).AsTask().InTime());
            return failed.StatusCode;
        }
    }
}
