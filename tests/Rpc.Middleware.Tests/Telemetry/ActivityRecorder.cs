using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Listens to the activities of one server, and to no other of the process.</summary>
internal sealed class ActivityRecorder : IDisposable
{
    private readonly ActivityListener _listener;
    private readonly ConcurrentQueue<Activity> _stopped = new();

    public ActivityRecorder(IServiceProvider services, ActivitySamplingResult sampling = ActivitySamplingResult.AllDataAndRecorded, Action? onEvent = null)
    {
        ActivitySource source = services.GetRequiredService<RpcTracing>().Source;
        _listener = new ActivityListener
        {
            ShouldListenTo = candidate => ReferenceEquals(candidate, source),
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
            {
                SampledTags.Enqueue(options.Tags?.ToDictionary(tag => tag.Key, tag => tag.Value) ?? []);
                return sampling;
            },
            ActivityStarted = _ => onEvent?.Invoke(),
            ActivityStopped = activity =>
            {
                _stopped.Enqueue(activity);
                onEvent?.Invoke();
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>What samplers were shown.</summary>
    public ConcurrentQueue<Dictionary<string, object?>> SampledTags { get; } = new();

    public IReadOnlyList<Activity> Stopped => [.. _stopped];

    public void Dispose() => _listener.Dispose();
}
