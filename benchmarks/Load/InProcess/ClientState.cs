using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Benchmarks.Load.InProcess;

/// <summary>What one client has done. Its own thread writes it.</summary>
internal sealed class ClientState
{
    private readonly List<long> _latencies = new(capacity: 1 << 16);
    private long _requests;
    private volatile bool _measuring;

    public long Requests => Volatile.Read(ref _requests);

    public bool Measuring
    {
        set => _measuring = value;
    }

    public void Count(long start, bool right)
    {
        if (!right)
        {
            throw new LoadException("a reply was wrong");
        }

        Volatile.Write(ref _requests, _requests + 1);

        // The first of the window are enough, and a list that is full grows no more.
        if (_measuring && _latencies.Count < _latencies.Capacity)
        {
            _latencies.Add((long)Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
    }

    public void AddTo(LatencyHistogram histogram) => _latencies.ForEach(histogram.Record);
}
