using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Options from configuration, and changes of it while the host runs.</summary>
public sealed class ServerConfigurationTests
{
    [Fact]
    public async Task Options_FromConfiguration_AreThoseAndCodeChangesThem()
    {
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.AddInMemoryCollection(
            [
                new("Rpc:Server:Scheduling", "Inline"), new("rpc:server:limits:maxbodylength", "5000"), new("Rpc:Server:Limits:MaxConcurrentCallsPerConnection", "7"),
                new("Rpc:Server:Connections:SniffTimeout", "00:00:03"), new("Rpc:Server:Drain:Timeout", "00:00:04"), new("Rpc:Server:ReplyCompression", "Gzip"),
            ]),
            configure: options => options.Limits.MaxConcurrentCallsPerConnection++);
        RpcServerOptions read = server.Server.Options;

        Assert.Equal(RpcScheduling.Inline, read.Scheduling);
        Assert.Equal(5000, read.Limits.MaxBodyLength);
        Assert.Equal(8, read.Limits.MaxConcurrentCallsPerConnection);
        Assert.Equal(TimeSpan.FromSeconds(3), read.Connections.SniffTimeout);
        Assert.Equal(TimeSpan.FromSeconds(4), read.Drain.Timeout);
        Assert.Equal(RpcEncoding.Gzip, read.ReplyCompression);
    }

    [Theory]
    [InlineData("Rpc:Server:Limits:MaxBodyLenght", "1", "Rpc:Server:Limits:MaxBodyLenght means nothing to the RPC server. Did you mean 'MaxBodyLength'?")]
    [InlineData("Rpc:Server:Limits:Calls:MaxConcurentCalls", "1", "Rpc:Server:Limits:Calls:MaxConcurentCalls means nothing to the RPC server. Did you mean 'MaxConcurrentCalls'?")]
    [InlineData("Rpc:Server:Limit:MaxBodyLength", "1", "Rpc:Server:Limit means nothing to the RPC server. Did you mean 'Limits'?")]
    [InlineData("Rpc:Server:Services:0:Name", "x", "Rpc:Server:Services means nothing to the RPC server. Did you mean 'Service'?")]
    [InlineData("Rpc:Server:Something", "x", "Rpc:Server:Something means nothing to the RPC server.")]
    [InlineData("Rpc:Server:Limits:MaxBodyLength", "-1", "Limits.MaxBodyLength is -1")]
    public async Task Options_WrongKeyOrValue_FailTheStartWithTheKey(string key, string value, string expected)
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => ConfiguredServer.StartAsync((key, value)));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_NoValueOfItsKind_FailTheStartWithTheKey()
    {
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => ConfiguredServer.StartAsync(("Rpc:Server:Limits:MaxBodyLength", "much")));

        Assert.Contains("Rpc:Server:Limits:MaxBodyLength", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_AllOptions_AreKnown()
    {
        // A new group of options has its line in RpcServerKeys.Sections.
        Assert.Equal(
            Sections(typeof(RpcServerOptions), "").Append(RpcServerKeys.DataRate).Order(StringComparer.Ordinal), RpcServerKeys.Sections.Keys.Order(StringComparer.Ordinal));

        static IEnumerable<string> Sections(Type options, string path) =>
            options.GetProperties()
                .Where(property => property.PropertyType is { IsClass: true, Namespace: "Kestrel.Rpc.Middleware" })
                .SelectMany(property => Sections(property.PropertyType, path.Length == 0 ? property.Name : $"{path}:{property.Name}"))
                .Prepend(path);
    }
}
