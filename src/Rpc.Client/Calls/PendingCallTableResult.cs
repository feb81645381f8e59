namespace Kestrel.Rpc.Client;

/// <summary>What came of taking a call into the <see cref="PendingCallTable"/>.</summary>
internal enum PendingCallTableResult
{
    Added,
    Full,
    Closed,
}
