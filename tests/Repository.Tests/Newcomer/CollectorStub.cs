using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Repository.Tests;

/// <summary>An OpenTelemetry collector as far as a test needs one: takes OTLP over HTTP and lets the test look for what came.</summary>
internal sealed class CollectorStub : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<OtlpMessage> _spans = new();
    private readonly ConcurrentQueue<OtlpMessage> _metrics = new();
    private volatile TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private CollectorStub()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();

        // opentelemetry-proto: request 1 -> resource 2 -> scope 2 -> spans or metrics.
        _app.MapPost("/v1/traces", request => TakeAsync(request, _spans));
        _app.MapPost("/v1/metrics", request => TakeAsync(request, _metrics));
    }

    public string Address => _app.Urls.Single();

    public static async Task<CollectorStub> StartAsync()
    {
        CollectorStub stub = new();
        await stub._app.StartAsync().WaitAsync(RunningProcess.Limit);
        return stub;
    }

    /// <summary>Waits for a span.</summary>
    public Task<OtlpMessage> WaitForSpanAsync(Func<OtlpMessage, bool> isWanted) => WaitAsync(_spans, isWanted);

    /// <summary>Waits for a metric.</summary>
    public Task<OtlpMessage> WaitForMetricAsync(Func<OtlpMessage, bool> isWanted) => WaitAsync(_metrics, isWanted);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync().AsTask().WaitAsync(RunningProcess.Limit);

    private async Task<OtlpMessage> WaitAsync(ConcurrentQueue<OtlpMessage> queue, Func<OtlpMessage, bool> isWanted)
    {
        while (true)
        {
            Task came = _came.Task;
            if (queue.FirstOrDefault(isWanted) is { } wanted)
            {
                return wanted;
            }

            await came.WaitAsync(RunningProcess.Limit);
        }
    }

    private async Task TakeAsync(HttpContext context, ConcurrentQueue<OtlpMessage> queue)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        foreach (OtlpMessage item in new OtlpMessage(body.ToArray()).Messages(1).SelectMany(r => r.Messages(2)).SelectMany(scope => scope.Messages(2)))
        {
            queue.Enqueue(item);
        }

        context.Response.ContentType = "application/x-protobuf"; // an empty answer: all was taken
        Interlocked.Exchange(ref _came, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}

/// <summary>A protobuf message whose type nobody here knows: its fields by number.</summary>
internal sealed class OtlpMessage
{
    private readonly List<(int Number, ulong Value, byte[] Bytes)> _fields = [];

    public OtlpMessage(byte[] message)
    {
        CodedInputStream input = new(message);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            int number = WireFormat.GetTagFieldNumber(tag);
            _fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => (number, input.ReadUInt64(), []),
                WireFormat.WireType.Fixed64 => (number, input.ReadFixed64(), []),
                WireFormat.WireType.Fixed32 => (number, input.ReadFixed32(), []),
                _ => (number, 0, input.ReadBytes().ToByteArray()),
            });
        }
    }

    public IEnumerable<OtlpMessage> Messages(int number) => Bytes(number).Select(bytes => new OtlpMessage(bytes));

    public IEnumerable<byte[]> Bytes(int number) => _fields.Where(field => field.Number == number).Select(field => field.Bytes);

    public string Text(int number) => System.Text.Encoding.UTF8.GetString(Bytes(number).Single());

    public ulong Number(int number) => _fields.Single(field => field.Number == number).Value;

    /// <summary>A field of numbers with eight bytes each, packed.</summary>
    public double[] Doubles(int number) =>
        [.. Bytes(number).SelectMany(bytes => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes).ToArray())];

    /// <summary>Attributes: key 1, value 2, in which 1 is a text.</summary>
    public Dictionary<string, string> Attributes(int number) => Messages(number).ToDictionary(
        pair => pair.Text(1), pair => pair.Messages(2).Single() is var value && value.Bytes(1).Any() ? value.Text(1) : "");
}
