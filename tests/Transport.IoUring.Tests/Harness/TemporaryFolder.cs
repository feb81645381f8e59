namespace Kestrel.Rpc.Transport.Tests;

/// <summary>A folder for the files of one test; its name is short, because paths of sockets are limited to 108 bytes.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("kr-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
