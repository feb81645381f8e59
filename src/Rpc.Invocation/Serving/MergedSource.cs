namespace Kestrel.Rpc.Invocation;

/// <summary>
/// Several sources as one: a thread-safe buffer of the calls of all, from which any number of threads pull. Each source keeps its own bound, and
/// those that have calls are served in turn, so that none waits behind the bulk of another.
/// </summary>
/// <remarks>
/// Sources are registered, not owned: they can be taken out again, and nothing here ends them. A source that has ended is taken out by
/// itself. What is no source but makes calls on threads of its own (a server's connections) gets a channel of its own here, into which it sends.
/// </remarks>
/// <typeparam name="TArg">The argument.</typeparam>
/// <typeparam name="TRet">The reply.</typeparam>
public sealed class MergedSource<TArg, TRet> : IInvocationSource<TArg, TRet>
{
    private readonly Lock _lock = new();
    private readonly WaiterList _waiters = new();
    private Member[] _members = []; // replaced, never changed
    private volatile bool _takesNoMore;
    private int _next; // where the next receiver looks first

    /// <summary>How many sources are registered.</summary>
    public int SourceCount => Volatile.Read(ref _members).Length;

    /// <summary>Whether <see cref="Complete"/> was called and every source has ended.</summary>
    public bool IsCompleted
    {
        get
        {
            if (!_takesNoMore)
            {
                return false;
            }

            foreach (Member member in Volatile.Read(ref _members))
            {
                if (!member.Source.IsCompleted)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <inheritdoc/>
    public bool IsReady
    {
        get
        {
            // A source that has ended is nothing to receive, but the last one's end is the end of all.
            foreach (Member member in Volatile.Read(ref _members))
            {
                if (member.Source.IsReady && !member.Source.IsCompleted)
                {
                    return true;
                }
            }

            return IsCompleted;
        }
    }

    /// <summary>Registers a source. Any thread, at any time.</summary>
    /// <param name="source">Not registered here already.</param>
    /// <exception cref="InvalidOperationException">It is registered, or <see cref="Complete"/> was called.</exception>
    public void Add(IInvocationSource<TArg, TRet> source)
    {
        ArgumentNullException.ThrowIfNull(source);
        lock (_lock)
        {
            if (_takesNoMore)
            {
                throw new InvalidOperationException("The merged source takes no more sources.");
            }

            if (Array.Exists(_members, member => ReferenceEquals(member.Source, source)))
            {
                throw new InvalidOperationException("The source is registered already.");
            }

            Volatile.Write(ref _members, [.. _members, new Member(this, source)]);
        }

        Interlocked.MemoryBarrier();
        PassOn();
    }

    /// <summary>Takes a source out; its calls stay in it. A receiver that is just looking may still take one.</summary>
    /// <param name="source">The source.</param>
    /// <returns>Whether it was registered.</returns>
    public bool Remove(IInvocationSource<TArg, TRet> source)
    {
        Member? removed;
        lock (_lock)
        {
            removed = Array.Find(_members, member => ReferenceEquals(member.Source, source));
            if (removed is null)
            {
                return false;
            }

            Volatile.Write(ref _members, Array.FindAll(_members, member => member != removed));
        }

        removed.TakeOut();
        if (IsCompleted)
        {
            _waiters.SignalAll();
        }

        return true;
    }

    /// <summary>No more sources come: the merged source ends with the last of those it has. May be called again.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _takesNoMore = true;
        }

        Interlocked.MemoryBarrier();
        if (IsCompleted)
        {
            _waiters.SignalAll();
        }
    }

    /// <inheritdoc/>
    public bool TryReceive(out Invocation<TArg, TRet> invocation)
    {
        Member[] members = Volatile.Read(ref _members);
        int index = _next;
        for (int looked = 0; looked < members.Length; looked++, index++)
        {
            if (index >= members.Length)
            {
                index = 0;
            }

            if (members[index].Source.TryReceive(out invocation))
            {
                _next = index + 1; // the one after it is the first to be looked at; receivers at the same time may agree on one
                if (_waiters.HasWaiters)
                {
                    PassOn();
                }

                return true;
            }
        }

        RemoveEnded(members);
        invocation = default;
        return false;
    }

    /// <inheritdoc/>
    public void Arm(SourceWaiter waiter)
    {
        _waiters.Add(waiter);
        ArmMembers();
    }

    /// <inheritdoc/>
    public bool Disarm(SourceWaiter waiter) => _waiters.Remove(waiter);

    private void ArmMembers()
    {
        foreach (Member member in Volatile.Read(ref _members))
        {
            member.ArmOnce();
        }
    }

    // A source tells once, and one who waits is told. While that one handles its call, the next call is for the others who wait.
    private void PassOn()
    {
        if (_waiters.HasWaiters)
        {
            ArmMembers();
            if (IsReady)
            {
                _waiters.SignalOne();
            }
        }
    }

    private void OnMemberReady()
    {
        if (_takesNoMore)
        {
            // It may be the end, which is for everybody; who finds nothing waits again.
            _waiters.SignalAll();
        }
        else
        {
            _waiters.SignalOne();
        }
    }

    private void RemoveEnded(Member[] members)
    {
        foreach (Member member in members)
        {
            if (member.Source.IsCompleted)
            {
                Remove(member.Source);
            }
        }
    }

    /// <summary>One source, and what it tells when it has something.</summary>
    private sealed class Member(MergedSource<TArg, TRet> owner, IInvocationSource<TArg, TRet> source) : SourceWaiter
    {
        private const int Disarmed = 0;
        private const int Armed = 1;
        private const int TakenOut = 2;

        private int _state;

        public IInvocationSource<TArg, TRet> Source => source;

        public void ArmOnce()
        {
            if (Interlocked.CompareExchange(ref _state, Armed, Disarmed) == Disarmed)
            {
                source.Arm(this);
                if (Volatile.Read(ref _state) == TakenOut)
                {
                    source.Disarm(this); // taken out in between
                }
            }
        }

        public void TakeOut()
        {
            if (Interlocked.Exchange(ref _state, TakenOut) == Armed)
            {
                source.Disarm(this);
            }
        }

        protected internal override void OnReady()
        {
            Interlocked.CompareExchange(ref _state, Disarmed, Armed);
            owner.OnMemberReady();
        }
    }
}
