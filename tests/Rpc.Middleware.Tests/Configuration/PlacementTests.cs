using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Which service listens where.</summary>
public sealed class PlacementTests
{
    private const string Section = "Rpc:Server:Service";
    private static int _ports;

    [Fact]
    public async Task Services_SomeShareAnAddress_ListenThereAndNowhereElse()
    {
        (int shared, int own) = (FreePort(), FreePort());
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            ($"{Section}:0:name", "helloworld"), ($"{Section}:0:ip", "127.0.0.1"), ($"{Section}:0:port", $"{shared}"),
            ($"{Section}:1:name", "other"), ($"{Section}:1:ip", "127.0.0.1"), ($"{Section}:1:port", $"{shared}"),
            ($"{Section}:2:name", "third"), ($"{Section}:2:ip", "localhost"), ($"{Section}:2:port", $"{own}"));

        Assert.Equal([shared, own], server.Ports); // one listener for the two
        Assert.Equal("helloworld: x", await ConfiguredServer.HelloAsync(shared, "helloworld"));
        Assert.Equal("other: x", await ConfiguredServer.HelloAsync(shared, "other"));
        Assert.Equal("third: x", await ConfiguredServer.HelloAsync(own, "third"));
        Assert.Equal("There is no service 'third'.", await ConfiguredServer.HelloAsync(shared, "third"));
        Assert.Equal("There is no service 'helloworld'.", await ConfiguredServer.HelloAsync(own, "helloworld"));
        Assert.DoesNotContain(server.Logs.Ours, line => line.Id is 1 or 92);
    }

    [Fact]
    public async Task Services_BesideEndPointsOfTheProgram_StayApart()
    {
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            configuration => configuration.AddInMemoryCollection(
            [
                new($"{Section}:0:Name", "third"), new($"{Section}:0:Ip", "127.0.0.1"), new($"{Section}:0:Port", "0"),
            ]),
            builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc())));
        (int program, int configured) = (server.Ports[0], server.Ports[1]);

        Assert.Equal("helloworld: x", await ConfiguredServer.HelloAsync(program, "helloworld"));
        Assert.Equal("There is no service 'third'.", await ConfiguredServer.HelloAsync(program, "third"));
        Assert.Equal("third: x", await ConfiguredServer.HelloAsync(configured, "third"));
        Assert.Equal("There is no service 'helloworld'.", await ConfiguredServer.HelloAsync(configured, "helloworld"));
    }

    [Fact]
    public async Task Service_IsPlacedNowhere_IsWarnedOfByName()
    {
        await using ConfiguredServer server = await ConfiguredServer.StartAsync(
            ($"{Section}:0:Name", "third"), ($"{Section}:0:Ip", "127.0.0.1"), ($"{Section}:0:Port", "0"));

        Assert.Contains("helloworld, other", Assert.Single(server.Logs.Ours, line => line.Id == 92).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task YamlFile_AsTheOriginalHasIt_DescribesTheServer()
    {
        int port = FreePort();
        string folder = Directory.CreateTempSubdirectory("yaml").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "myrpc.yaml"), $"""
                server:
                  service:
                    - name: helloworld
                      ip: 127.0.0.1   # comments are no values
                      port: {port}
                    - {'{'} name: other, ip: "127.0.0.1", port: {port} {'}'}
                    - name: third
                      ip: 127.0.0.1
                      port: 0
                """, TestContext.Current.CancellationToken);
            await using ConfiguredServer server = await ConfiguredServer.StartAsync(
                configuration => configuration.SetBasePath(folder).AddRpcYamlFile("myrpc.yaml"));

            Assert.Equal("helloworld: x", await ConfiguredServer.HelloAsync(port, "helloworld"));
            Assert.Equal("other: x", await ConfiguredServer.HelloAsync(port, "other"));
            Assert.Equal("third: x", await ConfiguredServer.HelloAsync(server.Ports.Single(other => other != port), "third"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData("0:Ip", "10.0.0.300", "Rpc:Server:Service:0:Ip is '10.0.0.300'; it must be an address")]
    [InlineData("0:Ip", null, "Rpc:Server:Service:0:Ip is not there; it must be an address")]
    [InlineData("0:Port", "65536", "Rpc:Server:Service:0:Port is '65536'; it must be 0 to 65535")]
    [InlineData("0:Port", "-1", "Rpc:Server:Service:0:Port is '-1'; it must be 0 to 65535")]
    [InlineData("0:Port", "http", "Rpc:Server:Service:0:Port is 'http'; it must be 0 to 65535")]
    [InlineData("0:Name", "", "Rpc:Server:Service:0:Name is ''; it must be the name of a service")]
    [InlineData("0:Name", "a/b", "Rpc:Server:Service:0:Name is 'a/b'; it must be the name of a service")]
    [InlineData("1:Name", "helloworld", "Rpc:Server:Service:1:Name is 'helloworld', which Rpc:Server:Service:0:Name is already.")]
    [InlineData("1:Name", "helowrld", "Rpc:Server:Service:1:Name is 'helowrld', and no method of such a service is mapped. Did you mean 'helloworld'?")]
    [InlineData("0:Prot", "1", "Rpc:Server:Service:0:Prot means nothing to the RPC server. Did you mean 'Port'?")]
    [InlineData("1:Ip", "*", "Rpc:Server:Service:0 listens on 127.0.0.1:7777, which is part of *:7777 of Rpc:Server:Service:1.")]
    public async Task Service_IsWrong_FailsTheStartWithItsKey(string key, string? value, string expected)
    {
        Dictionary<string, string?> values = new(StringComparer.Ordinal)
        {
            ["0:Name"] = "helloworld", ["0:Ip"] = "127.0.0.1", ["0:Port"] = "7777",
            ["1:Name"] = "other", ["1:Ip"] = "127.0.0.1", ["1:Port"] = "7777",
            [key] = value,
        };

        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(
            () => ConfiguredServer.StartAsync([.. values.Select(pair => ($"{Section}:{pair.Key}", pair.Value))]));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Services_StandInBothPlaces_FailTheStart()
    {
        OptionsValidationException error = await Assert.ThrowsAsync<OptionsValidationException>(() => ConfiguredServer.StartAsync(
            ($"{Section}:0:Name", "other"), ($"{Section}:0:Ip", "*"), ($"{Section}:0:Port", "0"),
            ("server:service:0:name", "third"), ("server:service:0:ip", "*"), ("server:service:0:port", "0")));

        Assert.Contains("both in Rpc:Server:Service and in server:service", error.Message, StringComparison.Ordinal);
    }

    // A file names its ports. These are below those that the kernel gives to sockets which ask for none, so nobody else takes one meanwhile.
    private static int FreePort()
    {
        while (true)
        {
            int port = 20_000 + (int)(((uint)Environment.ProcessId + (uint)Interlocked.Increment(ref _ports)) % 12_000);
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken: the next one.
            }
        }
    }
}
