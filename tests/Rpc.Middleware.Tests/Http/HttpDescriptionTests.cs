using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>RPC methods in the application's OpenAPI document.</summary>
public sealed class HttpDescriptionTests
{
    [Fact]
    public async Task OpenApi_HasTheMethodsThatHttpReaches()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.MapOpenApi();
                app.MapHello();
                app.MapRpcService<OpenStock>().WithHttp();
                app.MapRpcHttp("/api");
                app.MapGroup("/hidden").WithMetadata(new ExcludeFromDescriptionAttribute()).MapRpcHttp();
            },
            services => services.AddOpenApi(),
            mapsHttp: false);

        HttpAnswer answer = await peer.GetAsync("/openapi/v1.json");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        JsonElement paths = JsonDocument.Parse(answer.Body).RootElement.GetProperty("paths");
        Assert.Equal(["/api/shop.Stock/Buy", "/api/shop.Stock/Find", "/api/shop.Stock/List"], paths.EnumerateObject().Select(path => path.Name).Order());
        JsonElement buy = paths.GetProperty("/api/shop.Stock/Buy").GetProperty("post");
        Assert.Equal("shop.Stock", buy.GetProperty("tags")[0].GetString());
        Assert.Equal(["application/json"], Formats(buy.GetProperty("requestBody")));
        Assert.Equal(["application/json"], Formats(buy.GetProperty("responses").GetProperty("200")));
        Assert.Equal(["application/problem+json"], Formats(buy.GetProperty("responses").GetProperty("default")));
        Assert.Contains("Order", buy.GetProperty("requestBody").GetRawText(), StringComparison.Ordinal);
        JsonElement find = paths.GetProperty("/api/shop.Stock/Find").GetProperty("post");
        Assert.Equal(["application/json", "application/x-protobuf"], Formats(find.GetProperty("requestBody")));
        JsonElement list = paths.GetProperty("/api/shop.Stock/List").GetProperty("post");
        Assert.Equal(["application/x-ndjson", "text/event-stream"], Formats(list.GetProperty("responses").GetProperty("200")));
    }

    [Fact]
    public async Task OpenApi_ProtobufMessages_AreNotTheirProperties()
    {
        await using HttpPeer peer = await HttpPeer.StartAsync(
            app =>
            {
                app.MapOpenApi();
                app.MapHello().WithHttp();
            },
            services => services.AddOpenApi());

        HttpAnswer answer = await peer.GetAsync("/openapi/v1.json");

        Assert.Contains("/helloworld/Hello", answer.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("HelloRequest", answer.Text, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Formats(JsonElement of) => of.GetProperty("content").EnumerateObject().Select(format => format.Name).Order();

    [AllowAnonymous]
    private sealed class OpenStock : Stock;
}
