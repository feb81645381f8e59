using System.Text;
using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>The names that protoc's own C# has, which ours has to fit: src/google/protobuf/compiler/csharp/names.cc.</summary>
internal static class CSharpNames
{
    /// <summary>The C# namespace of a file; empty for the global one.</summary>
    public static string NamespaceOf(FileDescriptorProto file) =>
        file.Options is { HasCsharpNamespace: true } options ? options.CsharpNamespace : ToPascalCase(file.Package, keepPeriods: true);

    /// <summary>What the C# files of a .proto are called: <c>greeter_v1.proto</c> gives <c>GreeterV1</c>.</summary>
    public static string FileNameOf(string proto)
    {
        string name = proto[(proto.LastIndexOf('/') + 1)..];
        int period = name.LastIndexOf('.');
        return ToPascalCase(period < 0 ? name : name[..period], keepPeriods: false);
    }

    /// <summary>The class that protoc makes for a file as a whole.</summary>
    public static string ReflectionClassOf(string proto) => FileNameOf(proto) + "Reflection";

    /// <summary>A name of C# with the namespace it is in.</summary>
    public static string Qualified(string @namespace, string name) => @namespace.Length == 0 ? $"global::{name}" : $"global::{@namespace}.{name}";

    /// <summary>What protoc makes of names: letters behind anything but a letter become capitals, and what is neither letter nor digit goes.</summary>
    public static string ToPascalCase(string name, bool keepPeriods = false)
    {
        StringBuilder result = new(name.Length);
        bool isNextCapital = true;
        foreach (char letter in name)
        {
            if (char.IsAsciiLetter(letter))
            {
                result.Append(isNextCapital ? char.ToUpperInvariant(letter) : letter);
                isNextCapital = false;
            }
            else
            {
                isNextCapital = true;
                if (char.IsAsciiDigit(letter) || (letter == '.' && keepPeriods))
                {
                    result.Append(letter);
                }
            }
        }

        // An identifier cannot begin with a digit: the underscore that stood in front of it stays.
        if (result.Length > 0 && char.IsAsciiDigit(result[0]) && name[0] == '_')
        {
            result.Insert(0, '_');
        }

        return result.ToString();
    }
}
