using System.Globalization;
using System.Text.RegularExpressions;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Loops on processors of their own, with memory of their own.</summary>
public sealed partial class ProcessorTests
{
    public static TheoryData<TransportKind> Engines => [TransportKind.Epoll, TransportKind.IoUring];

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Loops_WithProcessors_RunOnThemInTurn(TransportKind engine)
    {
        int[] processors = Processors.Allowed();
        LinuxTransportOptions options = Create(engine);
        options.LoopCount = processors.Length + 1; // the list begins again
        Array.ForEach(processors, options.LoopProcessors.Add);

        await using TestTransport transport = await StartAsync(options);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => transport.EchoAsync(10_000)));

        int[][] used = await Task.WhenAll(transport.Loops.Select(loop => OnLoopAsync(loop, Processors.OfCurrentThread)));
        Assert.Equal([.. processors.Select(processor => new[] { processor }), [processors[0]]], used);
        Assert.Contains(transport.Log, entry =>
            entry.Id == 100 && entry.Text.Contains($"processors: {string.Join(',', processors)};", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Loops_ProcessorsAndNoCount_OneForEach(TransportKind engine)
    {
        LinuxTransportOptions options = Create(engine);
        int processor = Processors.Allowed()[0];
        options.LoopProcessors.Add(processor);
        options.LoopProcessors.Add(processor);
        options.LoopProcessors.Add(processor);

        await using TestTransport transport = await StartAsync(options);

        Assert.Equal(3, transport.Loops.Count);
    }

    [Theory]
    [MemberData(nameof(Engines))]
    public async Task Loops_WithoutProcessors_MayRunOnAll(TransportKind engine)
    {
        await using TestTransport transport = await StartAsync(Create(engine));

        Assert.Equal(Processors.Allowed(), await OnLoopAsync(transport.Loops[0], Processors.OfCurrentThread));
        Assert.Contains(transport.Log, entry => entry.Id == 100 && entry.Text.Contains("processors: any;", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task IoUring_ReceiveBuffers_AreTouchedAtStartOnlyWithAProcessor(bool pinned)
    {
        var options = new IoUringTransportOptions { LoopCount = 1, Fallback = IoUringFallback.Fail, ReceiveBufferCount = 512 };
        if (pinned)
        {
            options.LoopProcessors.Add(Processors.Allowed()[0]);
        }

        await using TestTransport transport = await new TestTransport(options).StartAsync();

        (long size, long resident) = BuffersOf((IoUringLoop)transport.Loops[0]);
        Assert.True(size >= 512 * 4096);
        Assert.True(pinned ? resident >= 512 * 4096 : resident < 512 * 4096 / 2, $"{resident} of {size} bytes are resident.");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(100_000)]
    public void Processors_NotAllowed_AreRefusedWithThoseThatAre(int processor)
    {
        LinuxTransportOptions options = Create(TransportKind.Epoll);
        options.LoopProcessors.Add(processor);

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(options));

        Assert.Equal("LoopProcessors", error.ParamName);
        Assert.Contains($"may use ({string.Join(", ", Processors.Allowed())})", error.Message, StringComparison.Ordinal);
        Assert.Equal(processor, error.ActualValue);
    }

    [Fact]
    public void SubmissionProcessors_NotAllowed_AreRefused()
    {
        var options = new IoUringTransportOptions();
        options.SubmissionPolling.Processors.Add(100_000);

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(options));

        Assert.Equal("SubmissionPolling.Processors", error.ParamName);
    }

    private static LinuxTransportOptions Create(TransportKind engine) =>
        engine == TransportKind.Epoll ? new EpollTransportOptions() : new IoUringTransportOptions { Fallback = IoUringFallback.Fail };

    private static Task<TestTransport> StartAsync(LinuxTransportOptions options) => options is IoUringTransportOptions ring
        ? new TestTransport(ring).StartAsync()
        : new TestTransport((EpollTransportOptions)options).StartAsync();

    private static Task<T> OnLoopAsync<T>(EventLoop loop, Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Schedule(_ => result.SetResult(function()), null);
        return result.Task.WaitAsync(TestTransport.Limit);
    }

    private static unsafe (long Size, long Resident) BuffersOf(IoUringLoop loop)
    {
        ulong address;
        fixed (byte* first = loop.Buffers.Bytes(0, 1))
        {
            address = (ulong)first;
        }

        // The kernel joins neighbouring mappings, so the buffers are what lies in one mapping from their start on.
        bool inside = false;
        long size = 0;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (MappingLine().Match(line) is { Success: true } mapping)
            {
                ulong start = ulong.Parse(mapping.Groups[1].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                ulong end = ulong.Parse(mapping.Groups[2].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                inside = start <= address && address < end;
                size = (long)(end - start);
            }
            else if (inside && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                return (size, 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
            }
        }

        throw new InvalidOperationException("The buffers are mapped nowhere.");
    }

    [GeneratedRegex("^([0-9a-f]+)-([0-9a-f]+) ")]
    private static partial Regex MappingLine();
}
