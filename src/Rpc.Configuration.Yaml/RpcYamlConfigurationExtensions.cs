using Kestrel.Rpc.Configuration.Yaml;

namespace Microsoft.Extensions.Configuration;

/// <summary>Adds YAML files to a configuration.</summary>
public static class RpcYamlConfigurationExtensions
{
    /// <summary>
    /// Adds a YAML file. Mappings become sections, sequences sections with the keys 0, 1, ..., scalars values, as with JSON files; what
    /// <c>null</c>, <c>~</c> or nothing stands for is no value. With <c>builder.AddRpcServer()</c> a file of the original MyRPC
    /// (<c>server: service: - {name, ip, port}</c>) says which service listens where.
    /// </summary>
    /// <param name="builder">The configuration.</param>
    /// <param name="path">The file, relative to the builder's base path.</param>
    /// <param name="optional">Whether it may be missing. Default false: then loading throws <see cref="FileNotFoundException"/>.</param>
    /// <param name="reloadOnChange">Whether it is loaded again when it changes. Default false.</param>
    /// <exception cref="ArgumentException">There is no path.</exception>
    /// <remarks>
    /// A file that is no YAML, has several documents, keys that are no scalars or differ in case only, is nested deeper than 32 or has more than 10,000 values (aliases counted as what they stand for) fails
    /// the build of the configuration with <see cref="InvalidDataException"/>, whose inner <see cref="FormatException"/> names line and column.
    /// </remarks>
    public static IConfigurationBuilder AddRpcYamlFile(
        this IConfigurationBuilder builder, string path, bool optional = false, bool reloadOnChange = false)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(path);
        RpcYamlConfigurationSource source = new() { Path = path, Optional = optional, ReloadOnChange = reloadOnChange };
        source.ResolveFileProvider();
        return builder.Add(source);
    }
}
