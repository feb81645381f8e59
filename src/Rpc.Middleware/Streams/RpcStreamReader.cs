using System.Buffers;
using System.Threading.Tasks.Sources;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>The requests of a call as its handler reads them. One thread at a time.</summary>
internal sealed class RpcStreamReader<T>(RpcCallStream stream, RpcMessageFormat<T> format) : IRpcStreamReader<T>, IValueTaskSource<bool>
    where T : class
{
    public T Current { get; private set; } = null!; // undefined before the first message

    public ReadOnlyMemory<byte> CurrentAttachment { get; private set; }

    public ValueTask<bool> MoveNextAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        try
        {
            if (stream.MoveNext() is { } hasMessage)
            {
                return new ValueTask<bool>(hasMessage && Take());
            }
        }
        catch (Exception exception) when (exception is RpcException or OperationCanceledException)
        {
            // The call has failed, or the message is none.
            return ValueTask.FromException<bool>(exception);
        }

        ValueTask<bool> waiting = new(this, stream.ArrivalVersion);
        return cancellationToken.CanBeCanceled && cancellationToken != stream.Cancelled ? WaitAsync(waiting, cancellationToken) : waiting;
    }

    bool IValueTaskSource<bool>.GetResult(short token) => stream.EndWaiting(token) && Take();

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => stream.GetArrivalStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        stream.OnArrival(continuation, state, token, flags);

    private async ValueTask<bool> WaitAsync(ValueTask<bool> waiting, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static (state, token) => ((RpcCallStream)state!).GiveUpWaiting(token), stream))
        {
            return await waiting.ConfigureAwait(false);
        }
    }

    private bool Take()
    {
        ref readonly RpcRequestBatch.Entry entry = ref stream.Current;
        ReadOnlySequence<byte> bytes = stream.CurrentBytes;
        CurrentAttachment = entry.AttachmentLength == 0 ? default : bytes.Slice(bytes.Length - entry.AttachmentLength).ToArray();
        bytes = bytes.Slice(0, bytes.Length - entry.AttachmentLength);
        if (entry.Encoding == RpcEncoding.None)
        {
            stream.Meter?.OnRequest(bytes.Length);
            Current = format.Read(bytes);
            return true;
        }

        using RpcPooledMessage plain = stream.Decompress(entry.Encoding, bytes);
        stream.Meter?.OnRequest(plain.Message.Length);
        Current = format.Read(plain.Message);
        return true;
    }
}
