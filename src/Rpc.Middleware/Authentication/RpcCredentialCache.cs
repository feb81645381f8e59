using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The credentials of a connection that were accepted, and those that are being verified: each as its SHA-256, so that no secret is kept and the
/// time of a lookup tells nothing of one. Any thread: one lock.
/// </summary>
internal sealed class RpcCredentialCache(int capacity, TimeSpan lifetime, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Key, Entry> _entries = [];
    private readonly Queue<Key> _order = new(); // of all entries, the oldest first

    /// <summary>Finds what was, or will be, said of credentials.</summary>
    /// <param name="credentials">The value of the metadata, as it stands on the wire.</param>
    /// <param name="answer">To be completed, with the answer and never with an exception, by the caller that gets true.</param>
    /// <returns>Whether the caller is the one to verify them.</returns>
    public bool TryBegin(ReadOnlySpan<byte> credentials, out TaskCompletionSource<RpcAuthentication> answer)
    {
        Key key = Key.Of(credentials);
        lock (_lock)
        {
            bool isKnown = _entries.TryGetValue(key, out Entry? found);
            if (isKnown && IsUsable(found!))
            {
                answer = found!.Answer;
                return false;
            }

            if (!isKnown)
            {
                if (_entries.Count >= capacity)
                {
                    _entries.Remove(_order.Dequeue());
                }

                _order.Enqueue(key);
            }

            answer = new TaskCompletionSource<RpcAuthentication>(TaskCreationOptions.RunContinuationsAsynchronously);
            _entries[key] = new Entry(answer, time.GetTimestamp());
            return true;
        }
    }

    /// <summary>Finds credentials that were accepted and still are.</summary>
    /// <returns>Null if somebody has to be asked, or is being asked.</returns>
    public RpcAuthentication? FindAccepted(ReadOnlySpan<byte> credentials)
    {
        Key key = Key.Of(credentials);
        lock (_lock)
        {
            return _entries.TryGetValue(key, out Entry? found) && found.Answer.Task.IsCompleted && IsUsable(found) ? found.Answer.Task.Result : null;
        }
    }

    // A verification under way is waited for by all. A refusal does not last: the next one may be right.
    private bool IsUsable(Entry entry)
    {
        Task<RpcAuthentication> answer = entry.Answer.Task;
        return !answer.IsCompleted
            || (answer.Result.IsAccepted
                && time.GetElapsedTime(entry.Since) < lifetime
                && !(answer.Result.ValidUntil <= time.GetUtcNow()));
    }

    private sealed record Entry(TaskCompletionSource<RpcAuthentication> Answer, long Since);

    private readonly record struct Key(UInt128 First, UInt128 Second)
    {
        public static Key Of(ReadOnlySpan<byte> credentials)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(credentials, hash);
            return MemoryMarshal.Read<Key>(hash);
        }
    }
}
