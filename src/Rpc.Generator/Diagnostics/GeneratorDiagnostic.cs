using System.Globalization;

namespace Kestrel.Rpc.Generator;

/// <summary>Something about a .proto that its author has to know.</summary>
/// <param name="Code">Its number, <c>KRPC...</c>; docs/services.md lists them.</param>
/// <param name="IsError">An error stops the build, a warning does not.</param>
/// <param name="File">The .proto as the build calls it, or else as protoc does.</param>
/// <param name="Place">Where.</param>
/// <param name="Text">What is wrong and what to do.</param>
internal sealed record GeneratorDiagnostic(string Code, bool IsError, string File, SourcePlace Place, string Text)
{
    private string Severity => IsError ? "error" : "warning";

    /// <summary>As compilers say it, which MSBuild understands: <c>greeter.proto(3,1): error KRPC102: text</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{File}({Place.Line},{Place.Column}): {Severity} {Code}: {Text}");
}
