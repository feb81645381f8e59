using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A unary call under way and its reply; pooled, so that a call costs little beyond its messages.</summary>
internal sealed class PendingCall<TReply> : PendingCall, IValueTaskSource<TReply>
{
    private static readonly BoundedPool<PendingCall<TReply>> Pool = new(capacity: 1024);

    // Mutable struct. Continuations run where SetResult runs, which is the thread pool already.
    private ManualResetValueTaskSourceCore<TReply> _core;
    private RpcMessageFormat<TReply>? _replyFormat;
    private TReply? _reply;
    private bool _hasReply;

    public static PendingCall<TReply> Rent(
        RpcSession session,
        RpcMethodName method,
        RpcMessageFormat format,
        RpcMessageFormat<TReply> replyFormat,
        in RpcCallOptions options)
    {
        PendingCall<TReply> call = Pool.TryTake() ?? new PendingCall<TReply>();
        call.Start(session, method, format, options);
        call._replyFormat = replyFormat;
        return call;
    }

    public ValueTask<TReply> AsValueTask() => new(this, _core.Version);

    public TReply GetResult(short token)
    {
        // Throws on a ValueTask that is awaited a second time: this object may serve another call already.
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("The call has not ended yet.");
        }

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Release();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    protected override void OnMessage(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost)
    {
        if (_hasReply)
        {
            throw new RpcException(RpcStatusCode.Internal, $"{Method} has one reply, and the server sent a second.");
        }

        _hasReply = true;
        _reply = _replyFormat!.Read(message);
    }

    protected override RpcException? CheckEnd() =>
        _hasReply ? null : new RpcException(RpcStatusCode.Internal, $"{Method} ended without its reply.");

    protected override void SetResult()
    {
        if (IsCancelled)
        {
            _core.SetException(new OperationCanceledException(Options.Cause));
        }
        else if (Failure is not null)
        {
            _core.SetException(Failure);
        }
        else
        {
            _core.SetResult(_reply!);
        }
    }

    protected override void ReturnToPool()
    {
        Reset();
        _reply = default;
        _hasReply = false;
        _replyFormat = null;
        _core.Reset();
        Pool.TryAdd(this);
    }
}
