using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

internal sealed record Measured(string Instrument, double Value, IReadOnlyDictionary<string, object?> Tags)
{
    public object? this[string tag] => Tags.GetValueOrDefault(tag);
}

/// <summary>Listens to the meter of one server, and to no other of the process.</summary>
internal sealed class MetricRecorder : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<Measured> _measured = new();
    private readonly Action? _onMeasured;

    /// <param name="services">Of the server.</param>
    /// <param name="onMeasured">Runs with each measurement.</param>
    /// <param name="instruments">What to listen to; all if there is none.</param>
    public MetricRecorder(IServiceProvider services, Action? onMeasured = null, params string[] instruments)
    {
        IMeterFactory meters = services.GetRequiredService<IMeterFactory>();
        _onMeasured = onMeasured;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == RpcServerTelemetry.MeterName && ReferenceEquals(instrument.Meter.Scope, meters)
                && (instruments.Length == 0 || instruments.Contains(instrument.Name)))
            {
                Instruments.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public List<Instrument> Instruments { get; } = [];

    public IReadOnlyList<Measured> All => [.. _measured];

    /// <summary>What was measured so far with an instrument.</summary>
    public IReadOnlyList<Measured> Of(string instrument) => [.. _measured.Where(measured => measured.Instrument == instrument)];

    /// <summary>What an instrument reports that has to be asked.</summary>
    public IReadOnlyList<Measured> Ask(string instrument)
    {
        _measured.Clear();
        _listener.RecordObservableInstruments();
        return Of(instrument);
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        _measured.Enqueue(new Measured(instrument.Name, value, tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value)));
        _onMeasured?.Invoke();
    }
}
