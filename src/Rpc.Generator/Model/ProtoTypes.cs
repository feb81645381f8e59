using Google.Protobuf.Reflection;

namespace Kestrel.Rpc.Generator;

/// <summary>Every message and enum that the files of a request declare, by its full name and by the C# class that protoc makes of it.</summary>
internal sealed class ProtoTypes
{
    private readonly Dictionary<string, string> _classes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _owners = new(StringComparer.Ordinal);

    public ProtoTypes(IEnumerable<FileDescriptorProto> files)
    {
        foreach (FileDescriptorProto file in files)
        {
            string @namespace = CSharpNames.NamespaceOf(file);
            string scope = file.Package.Length == 0 ? "" : "." + file.Package;
            string reflection = CSharpNames.Qualified(@namespace, CSharpNames.ReflectionClassOf(file.Name));
            _owners.TryAdd(reflection, $"the class that protoc makes for {file.Name}");
            foreach (DescriptorProto message in file.MessageType)
            {
                string name = CSharpNames.Qualified(@namespace, message.Name);
                _owners.TryAdd(name, $"the message {message.Name} of {file.Name}");
                Add(message, $"{scope}.{message.Name}", name);
            }

            foreach (EnumDescriptorProto declared in file.EnumType)
            {
                _owners.TryAdd(CSharpNames.Qualified(@namespace, declared.Name), $"the enum {declared.Name} of {file.Name}");
            }
        }
    }

    /// <summary>The class of a message, with <c>global::</c>; null if no file declares it.</summary>
    /// <param name="fullName">As descriptors have it: <c>.package.Outer.Inner</c>.</param>
    public string? ClassOf(string fullName) => _classes.GetValueOrDefault(fullName);

    /// <summary>What a class of the outermost level is already; null if it is free.</summary>
    public string? OwnerOf(string qualifiedClass) => _owners.GetValueOrDefault(qualifiedClass);

    private void Add(DescriptorProto message, string fullName, string name)
    {
        _classes[fullName] = name;
        foreach (DescriptorProto nested in message.NestedType)
        {
            Add(nested, $"{fullName}.{nested.Name}", $"{name}.Types.{nested.Name}");
        }
    }
}
