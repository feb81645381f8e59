using System.Security.Claims;
using System.Security.Principal;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using TokenStore = Kestrel.Rpc.Middleware.Tests.RpcServerExamples.TokenStore;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What docs/rpc-server.md shows of security, between "begin" and "end". <see cref="RpcSecurityDocumentTests"/> runs it.</summary>
internal static class RpcSecurityExamples
{
    public static void Certificates(WebApplicationBuilder builder)
    {
        // begin: certificates
        builder.Services.AddRpcCertificateAuthentication(options => options.AllowsNoCertificate = false);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(8443, listen => listen
            .UseHttps(https => https.ClientCertificateMode = ClientCertificateMode.RequireCertificate)
            .UseRpc()));
        // end
    }

    public static void Tokens(WebApplicationBuilder builder)
    {
        // begin: tokens
        builder.Services.AddRpcCallAuthenticator<ByBearer>();
        builder.Services.AddRpc(options => options.Authentication.CachedCredentialsPerConnection = 16);
        // end
    }

    public static void RegisterPolicies(WebApplicationBuilder builder)
    {
        // begin: policies
        builder.Services.AddAuthorizationBuilder().AddPolicy("ops", policy => policy.RequireRole("ops"));
        // end
    }

    public static void Policies(WebApplication app)
    {
        // begin: methods with policies
        app.MapRpc("stock/Drop", (StringValue item) => new Empty()).RequireAuthorization("ops");
        app.MapRpc("stock/Count", (StringValue item) => new Int32Value()).AllowAnonymous();
        // end
    }

    // begin: authenticator of calls
    public sealed class ByBearer(TokenStore tokens) : IRpcCallAuthenticator
    {
        public async ValueTask<RpcAuthentication> AuthenticateAsync(RpcAuthenticationContext context, CancellationToken cancellationToken) =>
            context.BearerToken is { } token && await tokens.FindAsync(token, cancellationToken) is { } name
                ? RpcAuthentication.Accept(new ClaimsPrincipal(new GenericIdentity(name)))
                : RpcAuthentication.Refuse("The token is not known.");
    }
    // end
}
