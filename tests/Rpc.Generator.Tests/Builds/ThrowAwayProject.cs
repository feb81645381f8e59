namespace Kestrel.Rpc.Generator.Tests;

/// <summary>A project as a user has it.</summary>
internal sealed class ThrowAwayProject(string folder)
{
    private static readonly string Version = typeof(RpcPlugin).Assembly.GetName().Version!.ToString(3);

    public string this[string file] => Path.Combine(folder, file);

    public void WriteProject(string protobufItems) => File.WriteAllText(this["Greeting.csproj"], $"""
        <Project Sdk="Microsoft.NET.Sdk.Web">
          <PropertyGroup>
            <TargetFramework>net10.0</TargetFramework>
            <Nullable>enable</Nullable>
            <ImplicitUsings>enable</ImplicitUsings>
            <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
            <UseSharedCompilation>false</UseSharedCompilation>
          </PropertyGroup>
          <ItemGroup>
            <PackageReference Include="Kestrel.Rpc.Middleware" Version="{Version}" />
            <PackageReference Include="Kestrel.Rpc.Client" Version="{Version}" />
            <PackageReference Include="Kestrel.Rpc.Generator" Version="{Version}" PrivateAssets="all" />
            {protobufItems}
          </ItemGroup>
        </Project>
        """);

    public void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[file])!);
        File.WriteAllText(this[file], text);
    }

    /// <summary>What a build has made of the .proto files, by file: when it was written.</summary>
    public Dictionary<string, DateTime> Generated() =>
        Directory.EnumerateFiles(this["obj/Debug/net10.0"], "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith("Rpc.cs", StringComparison.Ordinal) || file.EndsWith("Rpc.diagnostics", StringComparison.Ordinal))
            .ToDictionary(file => Path.GetRelativePath(this["obj/Debug/net10.0"], file), File.GetLastWriteTimeUtc);

    public Task<Command> DotnetAsync(params string[] arguments) => Command.RunAsync("dotnet", folder, arguments);

    /// <summary>Generates, without the compiler.</summary>
    public Task<Command> GenerateAsync() => DotnetAsync("msbuild", "-t:Protobuf_Compile", "-nologo", "-m:1");
}
