namespace Kestrel.Rpc.Benchmarks.Load.Overload;

/// <summary>What a call does on the server.</summary>
internal enum OverloadWork
{
    /// <summary>It waits for one of a few places, and then for some milliseconds: a database with a pool of connections.</summary>
    Wait,

    /// <summary>It computes.</summary>
    Compute,
}
