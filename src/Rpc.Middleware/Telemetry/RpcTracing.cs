using System.Diagnostics;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The server's activities: one for each call, current while its pipeline runs, and over when the reply was handed to the transport.
/// Its parent is what the caller's metadata names, else it is a root; what was current when the connection began is linked. Any thread.
/// </summary>
internal sealed class RpcTracing(TimeProvider time, DistributedContextPropagator propagator) : IDisposable
{
    public ActivitySource Source { get; } = new(RpcServerTelemetry.ActivitySourceName);

    public bool IsOn => Source.HasListeners();

    /// <summary>Makes the activity of a call. <see cref="Start"/> makes it the current one.</summary>
    /// <returns>Null if nobody wants one.</returns>
    public Activity? Create(RpcCall call, RpcMethodTags method, RpcServerConnection connection)
    {
        Activity? around = Activity.Current;
        if (around is not null)
        {
            // Calls in place run within what was current when the connection began, which goes on with the next call: it is no parent.
            Activity.Current = null;
        }

        try
        {
            return Create(call, method, connection.Trace);
        }
        finally
        {
            if (around is not null)
            {
                Activity.Current = around;
            }
        }
    }

    /// <summary>Starts an activity as the current one. For an async method, which its caller does not see the current one of.</summary>
    public void Start(Activity activity, long receivedAt)
    {
        Activity.Current = null; // as in Create: starting looks for a parent, too
        activity.SetStartTime((time.GetUtcNow() - time.GetElapsedTime(receivedAt)).UtcDateTime);
        activity.Start();
    }

    /// <summary>Makes and starts the activity of a call that was refused before its pipeline has begun. It is nobody's current one.</summary>
    /// <returns>Null if nobody wants one.</returns>
    public Activity? CreateRefused(RpcCall call, RpcMethodTags method, RpcServerConnection connection)
    {
        Activity? activity = Create(call, method, connection);
        if (activity is null)
        {
            return null;
        }

        if (activity.IsAllDataRequested && method == RpcMethodTags.Other && call.Fault is { Service.Length: > 0 } fault)
        {
            activity.SetTag(RpcServerTelemetry.OriginalMethodTag, RpcNames.ForLog($"{fault.Service}/{fault.Method}"));
        }

        Activity? current = Activity.Current;
        try
        {
            Start(activity, call.ReceivedAt);
            return activity;
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>Ends the activity of a call, with what has become of it.</summary>
    public static void Stop(Activity? activity, RpcFault? fault, in RpcCallEnd end)
    {
        if (activity is null)
        {
            return;
        }

        string status = RpcMethodTags.NameOf(end.Status);
        activity.SetTag(RpcServerTelemetry.StatusCodeTag, status);
        if (RpcMethodTags.IsServerError(end.Status))
        {
            activity.SetTag(RpcServerTelemetry.ErrorTypeTag, status);
            activity.SetStatus(ActivityStatusCode.Error, fault?.Message);
        }

        activity.SetEndTime(activity.StartTimeUtc + end.Duration);

        // Stopping makes the one before it current on this thread, which writes replies of many calls.
        Activity? current = Activity.Current;
        activity.Stop();
        Activity.Current = current;
    }

    public void Dispose() => Source.Dispose();

    private Activity? Create(RpcCall call, RpcMethodTags method, RpcConnectionTrace connection)
    {
        RpcMetadata metadata = call.RequestMetadata;
        ActivityContext parent = default;
        if (metadata.Count > 0)
        {
            propagator.ExtractTraceIdAndState(metadata, Read, out string? traceParent, out string? traceState);
            ActivityContext.TryParse(traceParent, traceState, isRemote: true, out parent);
        }

        Activity? activity = Source.CreateActivity(
            method.ActivityName, ActivityKind.Server, parent, [.. method.Tags, .. connection.ServerTags], connection.Links, ActivityIdFormat.W3C);
        if (activity is null)
        {
            return null;
        }

        if (metadata.Count > 0)
        {
            // The last one added is the first that is found, and sent on.
            foreach ((string key, string? value) in propagator.ExtractBaggage(metadata, Read)?.Reverse() ?? [])
            {
                activity.AddBaggage(key, value);
            }
        }

        if (activity.IsAllDataRequested)
        {
            foreach ((string key, object? value) in connection.Tags)
            {
                activity.SetTag(key, value);
            }
        }

        return activity;
    }

    private static void Read(object? carrier, string name, out string? value, out IEnumerable<string>? values)
    {
        values = null;
        value = ((RpcMetadata)carrier!).Get(name) is { IsBinary: false } entry ? entry.Value : null;
    }
}
