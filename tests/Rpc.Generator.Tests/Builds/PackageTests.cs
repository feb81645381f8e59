namespace Kestrel.Rpc.Generator.Tests;

/// <summary>The generator as users get it: from a package, run by `dotnet build` alone.</summary>
public sealed class PackageTests(PackedPackages packages) : IClassFixture<PackedPackages>
{
    private const string Greeter = """
        syntax = "proto3";
        import "kestrel/rpc/options.proto";
        option csharp_namespace = "Greeting";
        service Greeter {
          option (kestrel.rpc.service_name) = "helloworld";
          rpc Hello (HelloRequest) returns (HelloReply);
        }
        message HelloRequest { string msg = 1; }
        message HelloReply { string msg = 1; }
        """;

    private const string Program = """
        using System.Net;
        using Greeting;
        using Kestrel.Rpc.Client;
        using Kestrel.Rpc.Middleware;

        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Logging.ClearProviders();
        builder.Services.AddRpc();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseRpc()));
        var app = builder.Build();
        app.MapRpcService<GreeterService>();
        await app.StartAsync();
        await using RpcConnection connection = await RpcConnection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, new Uri(app.Urls.First()).Port));
        Greeter.GreeterClient greeter = new(connection);
        Console.WriteLine((await greeter.HelloAsync(new HelloRequest { Msg = "world" }, deadline: TimeSpan.FromMinutes(1))).Msg);

        internal sealed class GreeterService : Greeter.GreeterBase
        {
            public override ValueTask<HelloReply> Hello(HelloRequest request, RpcContext context) => new(new HelloReply { Msg = $"Hello {request.Msg}" });
        }
        """;

    [Fact]
    public async Task Package_InAProjectOfAUser_BuildsRunsAndIsMadeOnce()
    {
        ThrowAwayProject project = packages.Create("""<Protobuf Include="protos/greeter.proto" RpcServices="Both" />""");
        project.Write("protos/greeter.proto", Greeter);
        project.Write("Program.cs", Program);

        (await project.DotnetAsync("build", "-m:1")).Succeeded();
        Assert.Equal("Hello world\n", (await project.DotnetAsync("bin/Debug/net10.0/Greeting.dll")).Succeeded().Output);

        Dictionary<string, DateTime> first = project.Generated();
        (await project.DotnetAsync("build", "--no-restore", "-m:1")).Succeeded();
        Assert.Equal(["protos/GreeterRpc.cs", "protos/GreeterRpc.diagnostics"], first.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(first, project.Generated());

        (await project.DotnetAsync("clean", "-m:1")).Succeeded();
        Assert.Empty(project.Generated());
    }

    [Fact]
    public async Task Build_AfterAChange_MakesThatFileAlone()
    {
        ThrowAwayProject project = packages.Create("""<Protobuf Include="**/*.proto" RpcServices="Client" />""");
        project.Write("greeter.proto", Greeter);
        project.Write("other.proto", Greeter.Replace("Greet", "Other", StringComparison.Ordinal).Replace("Hello", "Other", StringComparison.Ordinal));
        (await project.DotnetAsync("restore")).Succeeded();
        (await project.GenerateAsync()).Succeeded();
        Dictionary<string, DateTime> first = project.Generated();

        project.Write("greeter.proto", Greeter.Replace("rpc Hello", "rpc Again (HelloRequest) returns (HelloReply);\n  rpc Hello", StringComparison.Ordinal));
        (await project.GenerateAsync()).Succeeded();
        Dictionary<string, DateTime> second = project.Generated();
        Assert.Contains("AgainAsync", await File.ReadAllTextAsync(project["obj/Debug/net10.0/GreeterRpc.cs"]), StringComparison.Ordinal);
        Assert.True(second["GreeterRpc.cs"] > first["GreeterRpc.cs"]);
        Assert.Equal(first["OtherRpc.cs"], second["OtherRpc.cs"]);

        // The service goes, and its code with it; that some were demanded is said.
        project.Write("greeter.proto", "syntax = \"proto3\"; message Alone {}");
        Command without = (await project.GenerateAsync()).Succeeded();
        Assert.Contains("greeter.proto(1,1): warning KRPC101: ", without.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("class", await File.ReadAllTextAsync(project["obj/Debug/net10.0/GreeterRpc.cs"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mistake_InAFile_IsAnErrorOfThatFileUntilItIsMended()
    {
        ThrowAwayProject project = packages.Create("""<Protobuf Include="pro tos/greeter.proto" />""");
        project.Write("pro tos/greeter.proto", Greeter.Replace("rpc Hello", "rpc hello (HelloRequest) returns (HelloReply);\n  rpc Hello", StringComparison.Ordinal));
        (await project.DotnetAsync("restore")).Succeeded();
        for (int build = 0; build < 2; build++)
        {
            Command failed = await project.GenerateAsync();
            Assert.Equal(1, failed.ExitCode);
            Assert.Contains("pro tos/greeter.proto(7,3): error KRPC102: ", failed.Output, StringComparison.Ordinal);
        }

        project.Write("pro tos/greeter.proto", Greeter);
        (await project.GenerateAsync()).Succeeded();

        project.WriteProject("""<Protobuf Include="pro tos/greeter.proto" RpcServices="Some" />""");
        Command wrong = await project.GenerateAsync();
        Assert.Equal(1, wrong.ExitCode);
        Assert.Contains("error KRPC100: RpcServices is 'Some'", wrong.Output, StringComparison.Ordinal);

        project.WriteProject("""<Protobuf Include="pro tos/greeter.proto" RpcServices="Client" GrpcServices="Client" />""");
        Assert.Contains("error KRPC108: ", (await project.GenerateAsync()).Output, StringComparison.Ordinal);

        // Where nothing is asked for, or gRPC is, nothing is made.
        project.WriteProject("""<Protobuf Include="pro tos/other.proto" RpcServices="None" /><Protobuf Include="pro tos/grpc.proto" GrpcServices="Client" />""");
        project.Write("pro tos/other.proto", Greeter);
        project.Write("pro tos/grpc.proto", Greeter);
        (await project.GenerateAsync()).Succeeded();
        Assert.False(File.Exists(project["obj/Debug/net10.0/pro tos/OtherRpc.cs"]));
        Assert.True(File.Exists(project["obj/Debug/net10.0/pro tos/Other.cs"]));
        Assert.False(File.Exists(project["obj/Debug/net10.0/pro tos/GrpcRpc.cs"]));
        Assert.True(File.Exists(project["obj/Debug/net10.0/pro tos/GrpcGrpc.cs"]));
    }
}
