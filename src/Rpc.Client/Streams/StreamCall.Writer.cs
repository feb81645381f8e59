using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>What is sent.</remarks>
internal sealed partial class StreamCall<TRequest, TReply> : IRpcStreamWriter<TRequest>
{
    public ValueTask WriteAsync(TRequest message, CancellationToken cancellationToken = default) => WriteAsync(message, default, cancellationToken);

    public ValueTask WriteAsync(TRequest message, ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (Outgoing is not { } outgoing || IsCompleted)
        {
            return ValueTask.FromException(HasEndedException());
        }

        ValueTask room;
        try
        {
            room = outgoing.AddAsync(this, (Message: message, Attachment: attachment), static (call, state, buffer) =>
                ((Version2Session)call.Session).Serialize(call, state.Message!, state.Attachment.Span, buffer));
        }
        catch (RpcException exception)
        {
            return ValueTask.FromException(exception);
        }

        return room.IsCompleted || !cancellationToken.CanBeCanceled ? room : WaitAsync(room, cancellationToken);
    }

    public ValueTask CompleteAsync()
    {
        Outgoing?.End(this);
        return ValueTask.CompletedTask;
    }

    private async ValueTask WaitAsync(ValueTask room, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(
            static (state, token) => ((StreamCall<TRequest, TReply>)state!).CancelBy(token),
            this))
        {
            await room.ConfigureAwait(false);
        }
    }

    // The call has ended, though perhaps not everybody has been told yet.
    private Exception HasEndedException()
    {
        lock (_gate)
        {
            return _exception
                ?? (IsCompleted ? Outcome() : null)
                ?? new RpcException(RpcStatusCode.Cancelled, $"{_method} has ended; nothing more can be sent.");
        }
    }
}
