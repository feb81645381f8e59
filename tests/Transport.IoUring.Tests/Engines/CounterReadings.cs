using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Globalization;

namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Asks a process for the values of a meter as <c>dotnet-counters</c> does: with a session of the runtime's event source for meters. Tests of the server use it, too.</summary>
/// <param name="meter">The meter.</param>
/// <param name="refreshInterval">How often, in seconds.</param>
/// <param name="maxTimeSeries">How many series are told. Sessions of one process must agree in the last two.</param>
internal sealed class CounterReadings(string meter, string refreshInterval = "1", string maxTimeSeries = "1000") : EventListener
{
    private const string Source = "System.Diagnostics.Metrics";
    private const EventKeywords TimeSeriesValues = (EventKeywords)2;

    // Field initialisers run before the base constructor, which reports the sources that exist.
    private readonly ConcurrentDictionary<(string Instrument, string Tags, string Id), double> _values = new();
    private readonly string _meter = meter;
    private int _collections;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly ConcurrentDictionary<(string Instrument, string Tags, string Id), double> _totals = new();
    private readonly Dictionary<string, string?> _arguments = new()
    {
        ["SessionId"] = "SHARED",
        ["ClientId"] = Guid.NewGuid().ToString(),
        ["Metrics"] = meter,
        ["RefreshInterval"] = refreshInterval,
        ["MaxTimeSeries"] = maxTimeSeries,
        ["MaxHistograms"] = "10",
    };

    /// <summary>How often everything was asked for and told.</summary>
    public int Collections => Volatile.Read(ref _collections);

    /// <summary>What went wrong with the session or an instrument.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>The instruments that have reported so far.</summary>
    public IEnumerable<string> Instruments => _values.Keys.Select(key => key.Instrument).Distinct();

    /// <summary>The tags that came with them.</summary>
    public IEnumerable<string> Tags => _values.Keys.Select(key => key.Tags);

    /// <summary>The last value of an instrument, summed up over the series whose tags contain <paramref name="tag"/>.</summary>
    public double this[string instrument, string tag = ""] => _values
        .Where(entry => entry.Key.Instrument == instrument && entry.Key.Tags.Contains(tag, StringComparison.Ordinal))
        .Sum(entry => entry.Value);

    /// <summary>All that an instrument has told, added up: of a histogram how many measurements there were.</summary>
    public double Total(string instrument, string tag) => _totals
        .Where(entry => entry.Key.Instrument == instrument && entry.Key.Tags.Contains(tag, StringComparison.Ordinal))
        .Sum(entry => entry.Value);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Source)
        {
            EnableEvents(eventSource, EventLevel.Informational, TimeSeriesValues, _arguments);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        switch (eventData.EventName)
        {
            case "CounterRateValuePublished" or "UpDownCounterRateValuePublished":
                Add(eventData, "value");
                break;
            case "GaugeValuePublished":
                Add(eventData, "lastValue");
                break;
            case "HistogramValuePublished":
                Add(eventData, "count");
                break;
            case "CollectionStop":
                Interlocked.Increment(ref _collections);
                break;
            case { } name when name.Contains("Error", StringComparison.Ordinal) || name.Contains("Limit", StringComparison.Ordinal):
                _errors.Enqueue($"{name}: {string.Join(", ", eventData.Payload!)}");
                break;
        }
    }

    private void Add(EventWrittenEventArgs values, string valueName)
    {
        string Read(string name) => Convert.ToString(values.Payload![values.PayloadNames!.IndexOf(name)], CultureInfo.InvariantCulture)!;
        if (Read("meterName") == _meter && Read(valueName) is { Length: > 0 } value)
        {
            double number = double.Parse(value, CultureInfo.InvariantCulture);
            var key = (Read("instrumentName"), Read("tags"), Read("instrumentId")); // several meters of a process may have the same name
            _values[key] = number;
            _totals.AddOrUpdate(key, number, (_, total) => total + number);
        }
    }
}
