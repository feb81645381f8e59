namespace Kestrel.Rpc.Repository.Tests;

/// <summary>What the snapshot's printer writes for shapes it must not lose.</summary>
public sealed class PublicApiPrinterTests
{
    [Fact]
    public void Printer_Members_AppearWithTheirSignature()
    {
        string text = PublicApiPrinter.Print(typeof(Sample<>).Assembly);

        Assert.Contains("abstract class PublicApiPrinterTests.Sample<T> : IDisposable where T : class, new()", text, StringComparison.Ordinal);
        Assert.Contains("    const int Limit = 7\n", text, StringComparison.Ordinal);
        Assert.Contains("    string? Name { get; protected set; }\n", text, StringComparison.Ordinal);
        Assert.Contains("    int Size { get; init; }\n", text, StringComparison.Ordinal);
        Assert.Contains("    bool TryRead(ref long position, out T? item)\n", text, StringComparison.Ordinal);
        Assert.Contains("    protected abstract Task<string?> RunAsync(TimeSpan? limit = null)\n", text, StringComparison.Ordinal);
        Assert.Contains("    event EventHandler Changed\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Hidden", text, StringComparison.Ordinal);
    }

    /// <summary>A type with one member of each shape.</summary>
    public abstract class Sample<T> : IDisposable
        where T : class, new()
    {
        public const int Limit = 7;

        public event EventHandler? Changed;

        public string? Name { get; protected set; }

        public int Size { get; init; }

        public bool TryRead(ref long position, out T? item)
        {
            position += Size;
            item = null;
            return false;
        }

        public void Dispose()
        {
            Changed?.Invoke(this, EventArgs.Empty);
            GC.SuppressFinalize(this);
        }

        protected abstract Task<string?> RunAsync(TimeSpan? limit = null);

        internal static int HiddenCount() => Limit;
    }
}
