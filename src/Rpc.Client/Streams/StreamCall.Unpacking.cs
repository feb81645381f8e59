using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <remarks>Messages that came compressed.</remarks>
internal sealed partial class StreamCall<TRequest, TReply>
{
    // Of the reader. A message that is none fails the call, as one that is not compressed does.
    private bool Unpack()
    {
        try
        {
            TReply message = _current.Packed!.Read(_method.ReplyFormat, ((Version2Session)Session).MaxMessageLength, _method.Name);
            _current = _current with { Message = message, Packed = null };
            return true;
        }
        catch (RpcException exception)
        {
            FailHere(exception);
            DropReceived();
            lock (_gate)
            {
                // It may have ended well, before anybody could see this.
                _exception ??= exception;
            }

            throw;
        }
    }
}
