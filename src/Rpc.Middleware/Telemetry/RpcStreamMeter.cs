namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Counts the messages of one call with streams. An object of its own for each such call: a handler may keep its reader or writer for longer. One thread
/// at a time reads and one writes.
/// </summary>
internal sealed class RpcStreamMeter(RpcCallObserver observer, RpcMethodTags method)
{
    private long _requests;
    private long _responses;

    public long Requests => Volatile.Read(ref _requests);

    public long Responses => Volatile.Read(ref _responses);

    /// <summary>The handler has read a message.</summary>
    public void OnRequest(long bytes)
    {
        _requests++;
        try
        {
            observer.Metrics.Request(method, bytes);
        }
        catch (Exception exception)
        {
            observer.OnFailed(exception);
        }
    }

    /// <summary>The handler has written a message.</summary>
    public void OnResponse(long bytes)
    {
        _responses++;
        try
        {
            observer.Metrics.Response(method, bytes);
        }
        catch (Exception exception)
        {
            observer.OnFailed(exception);
        }
    }
}
