using System.Diagnostics.Metrics;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Listens to the transports' meter, as a monitoring tool does.</summary>
internal sealed class MeterReadings : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, double> _values = [];
    private readonly HashSet<Meter> _meters = [];

    public MeterReadings()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == TransportMetrics.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Engine, mode and loop of the measurements of the last reading.</summary>
    public List<(string Engine, string Mode, int Loop)> Tags { get; } = [];

    /// <summary>The meters that the last reading came from.</summary>
    public IReadOnlyCollection<Meter> Meters => _meters;

    /// <summary>The values now, by instrument (and direction, for bytes), summed up over the loops.</summary>
    public Dictionary<string, double> Take()
    {
        _values.Clear();
        _meters.Clear();
        Tags.Clear();
        _listener.RecordObservableInstruments();
        return new Dictionary<string, double>(_values);
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        Dictionary<string, object?> byName = new(tags.ToArray());
        string name = byName.TryGetValue(TransportMetrics.DirectionTag, out object? direction) ? $"{instrument.Name} {direction}" : instrument.Name;
        _values[name] = _values.GetValueOrDefault(name) + value;
        _meters.Add(instrument.Meter);
        Tags.Add((
            (string)byName[TransportMetrics.EngineTag]!,
            (string)byName[TransportMetrics.ModeTag]!,
            (int)byName[TransportMetrics.LoopTag]!));
    }
}
