using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// A call of any shape with all that it comes to. Its reader and its writer are one thread each; metadata, status and the end belong to
/// any thread. Used once, not pooled: its caller may look at it for ever.
/// </summary>
internal sealed partial class StreamCall<TRequest, TReply> : PendingCall, IRpcCallOutcome
{
    private readonly Lock _gate = new();
    private readonly RpcMethod<TRequest, TReply> _method;
    private TaskCompletionSource<RpcMetadata>? _headersSource; // under the lock, as the next ones
    private RpcMetadata? _headers;
    private RpcMetadata _trailers = RpcMetadata.Empty;
    private bool _hasEnded;
    private Exception? _exception; // that it ended with
    private CancellationToken _cancelledBy;

    public StreamCall(RpcMethod<TRequest, TReply> method)
    {
        _method = method;
    }

    public override bool NeedsVersion2 => _method.Shape != RpcMethodShape.Unary;

    public override bool IsStreamOfRequests => _method.Shape is RpcMethodShape.ClientStreaming or RpcMethodShape.DuplexStreaming;

    public Task<RpcMetadata> HeadersAsync
    {
        get
        {
            lock (_gate)
            {
                if (_headers is not null)
                {
                    return Task.FromResult(_headers);
                }

                if (_hasEnded)
                {
                    return _exception is null ? Task.FromResult(RpcMetadata.Empty) : Task.FromException<RpcMetadata>(_exception);
                }

                _headersSource ??= new TaskCompletionSource<RpcMetadata>(TaskCreationOptions.RunContinuationsAsynchronously);
                return _headersSource.Task;
            }
        }
    }

    public RpcStatus Status
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnderWay();
                return _exception switch
                {
                    null => RpcStatus.Ok,
                    RpcException failure => failure.Status,
                    _ => new RpcStatus(RpcStatusCode.Cancelled, _exception.Message),
                };
            }
        }
    }

    public RpcMetadata Trailers
    {
        get
        {
            lock (_gate)
            {
                ThrowIfUnderWay();
                return _exception is RpcException failure ? failure.Trailers : _trailers;
            }
        }
    }

    private bool HasOneReply => _method.Shape is RpcMethodShape.Unary or RpcMethodShape.ClientStreaming;

    /// <summary>Sends the request, or opens the stream of requests. Whatever goes wrong ends the call.</summary>
    public void Begin(RpcSession session, object? request, in RpcCallOptions options)
    {
        Start(session, _method.Name, _method.RequestFormat, options);
        if (IsStreamOfRequests && session is Version2Session version2)
        {
            Outgoing = new OutgoingMessages(version2.Flow);
        }

        if (options.IsCancellationRequested)
        {
            Outgoing = null;
            End(new OperationCanceledException(options.Cause));
        }
        else if (session.Send(this, request ?? this) is { } refusal)
        {
            Outgoing = null;
            End(refusal);
        }
    }

    public void Dispose()
    {
        Cancel();
        DropReceived(); // also of a call that has ended well
    }

    protected override void OnMetadata(scoped in RpcReceivedHeader header, bool isEnd)
    {
        RpcMetadataError error = RpcMetadataError.None;
        RpcMetadata trailers = RpcMetadata.Empty;
        if (isEnd)
        {
            error = header.ReadTrailers(RpcMetadataLimits.Default, out trailers);
        }

        RpcMetadata headers = RpcMetadata.Empty;
        if (error == RpcMetadataError.None)
        {
            error = header.ReadMetadata(RpcMetadataLimits.Default, out headers);
        }

        if (error != RpcMetadataError.None)
        {
            throw BadMetadata(error);
        }

        _trailers = trailers;
        if (!isEnd || header.StatusCode == RpcStatusCode.Ok)
        {
            SetHeaders(headers);
        }
    }

    protected override RpcException? CheckEnd() => !HasOneReply || _hasReply
        ? null
        : new RpcException(RpcStatusCode.Internal, $"{Method} ended without its reply.");

    protected override void SetResult()
    {
        StopTimer();
        End(Outcome());
        Release();
    }

    protected override void ReturnToPool()
    {
        // Used once: see the summary.
    }

    // How a call that is completed has ended; null if well. Said before it is completed, so whoever sees that sees this.
    private Exception? Outcome() =>
        IsCancelled ? new OperationCanceledException(_cancelledBy.IsCancellationRequested ? _cancelledBy : Options.Cause) : Failure;

    private void SetHeaders(RpcMetadata headers)
    {
        TaskCompletionSource<RpcMetadata>? source;
        lock (_gate)
        {
            if (_headers is not null)
            {
                return; // said before
            }

            _headers = headers;
            source = _headersSource;
        }

        source?.TrySetResult(headers);
    }

    private void End(Exception? exception)
    {
        TaskCompletionSource<RpcMetadata>? source;
        bool isReading;
        lock (_gate)
        {
            _hasEnded = true;
            _exception = exception;
            source = _headersSource;
            isReading = _isReading;
            _isReading = false;
        }

        if (exception is OperationCanceledException)
        {
            DropReceived();
        }

        if (isReading)
        {
            EndReading(exception);
        }

        Outgoing?.Close(exception ?? HasEndedException());
        if (exception is null)
        {
            source?.TrySetResult(RpcMetadata.Empty);
        }
        else if (source is not null && source.TrySetException(exception))
        {
            _ = source.Task.Exception; // looked at: who asks for the metadata need not wait for it
        }
    }

    // A reader or a writer gave up.
    private void CancelBy(CancellationToken cancellationToken)
    {
        _cancelledBy = cancellationToken;
        Cancel();
    }

    private void ThrowIfUnderWay()
    {
        if (!_hasEnded)
        {
            throw new InvalidOperationException("The call has not ended yet.");
        }
    }
}
