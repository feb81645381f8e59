using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>docs/services.md says what every diagnostic means, and its contracts compile.</summary>
public sealed partial class DiagnosticDocumentTests
{
    // What other generators, and the reader, add to the document's examples.
    private const string Rest = """
        public sealed class Ticket;

        public sealed class TicketCodec : IRpcCodec<Ticket>
        {
            public int GetSize(Ticket message) => 0;

            public void Serialize(Ticket message, Span<byte> destination)
            {
            }

            public Ticket Deserialize(in System.Buffers.ReadOnlySequence<byte> source) => new();
        }

        internal sealed partial class ShopJson
        {
            private ShopJson()
                : base(null)
            {
            }

            public static ShopJson Default { get; } = new();

            protected override System.Text.Json.JsonSerializerOptions? GeneratedSerializerOptions => null;

            public override System.Text.Json.Serialization.Metadata.JsonTypeInfo? GetTypeInfo(System.Type type) => null;
        }
        """;

    private static readonly string Document = File.ReadAllText(Path.Combine(Root(), "docs/services.md"));

    [Fact]
    public void Document_Table_HasEveryDiagnostic()
    {
        IEnumerable<string> known = new DiagnosticAnalyzer[] { new MapRpcAnalyzer(), new ContractAnalyzer() }
            .SelectMany(analyzer => analyzer.SupportedDiagnostics)
            .Select(item => item.Id)
            .Distinct();

        Assert.Equal(known.Order(StringComparer.Ordinal), Row().Matches(Document).Select(row => row.Groups["id"].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Document_Contracts_CompileAndAreInOrder()
    {
        string[] contracts = [.. Block().Matches(Document).Select(block => block.Groups["code"].Value).Where(code => code.StartsWith("[RpcService", StringComparison.Ordinal))];
        Assert.Equal(2, contracts.Length);
        string protobuf = contracts[0]
            .Replace("FindRequest", "HelloRequest", StringComparison.Ordinal)
            .Replace("FindReply", "HelloReply", StringComparison.Ordinal)
            .Replace("Change ", "Int32Value ", StringComparison.Ordinal)
            .Replace("<Change>", "<Int32Value>", StringComparison.Ordinal);
        string json = "using System.Text.Json.Serialization;\n" + contracts[1];

        Assert.Equal(2, Driver.Generate(Driver.Compile([protobuf, json, Rest])).Count);
        Assert.Empty(await Driver.AnalyzeAsync(protobuf));
    }

    private static string Root()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Kestrel.Rpc.sln")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"^\| (?<id>KRPC0\d\d) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
