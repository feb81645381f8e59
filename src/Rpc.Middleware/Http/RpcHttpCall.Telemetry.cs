using System.Buffers;
using System.Diagnostics;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <content>
/// What those see of the call who watch the server: the measurements and log lines of every call. The activity is the one that ASP.NET Core has for
/// the request; it gets the tags of RPC.
/// </content>
internal sealed partial class RpcHttpCall
{
    private readonly RpcObservedCall _observed = new();
    private readonly bool _isObserved; // somebody watched when it came

    /// <summary>The request was read.</summary>
    public void ObserveDispatched(in ReadOnlySequence<byte> body)
    {
        if (!_isObserved)
        {
            return;
        }

        _server.Observer.OnDispatched(_observed, Endpoint, body);
        if (Replies is { } replies)
        {
            replies.Meter = _observed.Streams = new RpcStreamMeter(_server.Observer, _observed.Method);
        }
    }

    /// <summary>The pipeline begins.</summary>
    public void ObserveRunning()
    {
        if (_isObserved)
        {
            _server.Observer.OnRunning(_observed, ReceivedAt);
        }
    }

    public override void NoteException(Exception exception)
    {
        if (FindActivity() is { } activity)
        {
            activity.AddException(exception);
        }
    }

    private Activity? FindActivity() => _http?.Features.Get<IHttpActivityFeature>()?.Activity is { IsAllDataRequested: true } activity ? activity : null;

    private void ObserveEnd(bool isWritten)
    {
        if (!_observed.IsDispatched)
        {
            _observed.Method = Endpoint.Tags;
        }

        if (FindActivity() is { } activity)
        {
            foreach ((string key, object? value) in Endpoint.Tags.OfStatus(Fault?.Status.Code ?? (isWritten ? RpcStatusCode.Ok : RpcStatusCode.Cancelled)))
            {
                activity.SetTag(key, value);
            }
        }

        _server.Observer.OnEnded(this, _observed, isWritten);
    }
}
