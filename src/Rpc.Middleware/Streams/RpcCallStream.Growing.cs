using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>
/// Requests that were compressed. They wait as they came, and are decompressed when the handler comes to them: one at a time for each stream, and those that all
/// streams of a connection have come to count among what its requests may grow by.
/// </remarks>
internal sealed partial class RpcCallStream
{
    private long _grown; // of the message that the handler has; under the lock of requests

    /// <summary>Decompresses a request, of the one thread that reads.</summary>
    /// <exception cref="RpcException">It is none, is too long, or the requests of the connection have grown too much already.</exception>
    public RpcPooledMessage Decompress(RpcEncoding encoding, in ReadOnlySequence<byte> bytes)
    {
        RpcPooledMessage plain = RpcRequestDecoding.Decompress(encoding, bytes, _session.MaxRequestLength);
        long growth = plain.Length - bytes.Length;
        lock (_requestLock)
        {
            if (!_isClosed && _session.TryGrow(growth))
            {
                _grown = Math.Max(0, growth);
                return plain;
            }
        }

        plain.Dispose();
        throw _isClosed ? HasEnded() : new RpcException(RpcStatusCode.ResourceExhausted, RpcVersion2Session.GrowsTooMuch);
    }

    // The handler has gone on.
    private void Shrink()
    {
        if (_grown > 0)
        {
            lock (_requestLock)
            {
                ShrinkInLock();
            }
        }
    }

    private void ShrinkInLock()
    {
        _session.StopGrowing(_grown);
        _grown = 0;
    }
}
