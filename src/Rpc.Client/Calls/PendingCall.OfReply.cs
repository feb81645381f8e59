using System.Threading.Tasks.Sources;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A call under way and its reply; pooled, so that a call costs little beyond its messages.</summary>
internal sealed class PendingCall<TReply> : PendingCall, IValueTaskSource<TReply>
    where TReply : IMessage<TReply>, new()
{
    private static readonly BoundedPool<PendingCall<TReply>> Pool = new(capacity: 1024);

    // Mutable struct. Continuations run where SetResult runs, which is the thread pool already.
    private ManualResetValueTaskSourceCore<TReply> _core;
    private TReply? _reply;

    public static PendingCall<TReply> Rent(RpcMethodName method)
    {
        PendingCall<TReply> call = Pool.TryTake() ?? new PendingCall<TReply>();
        call.Start(method);
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

    protected override void ReadReply(in RpcFrame frame) => _reply = RpcMessageCodec.Deserialize<TReply>(frame.Body);

    protected override void SetResult()
    {
        if (IsCancelled)
        {
            _core.SetException(new OperationCanceledException(CancellationToken));
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
        _reply = default;
        _core.Reset();
        Pool.TryAdd(this);
    }
}
