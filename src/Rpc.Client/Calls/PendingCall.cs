using System.Buffers;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// A call under way. Three parties know it: the <see cref="PendingCallTable"/>, the output and the caller. Whoever takes
/// it out of the table, and nobody else, completes it. It is used again once all who hold it have let go of it.
/// </summary>
internal abstract partial class PendingCall : IThreadPoolWorkItem
{
    private const int FirstHolders = 2; // the output and the caller

    private int _holders;
    private volatile bool _completed;
    private RpcCallOptions _options;
    private CancellationTokenRegistration _registration;

    /// <summary>Written and read under the lock of the table; 0 while it is not in there.</summary>
    public uint SequenceId { get; set; }

    public RpcMethodName Method { get; private set; } = null!; // from Start to Reset, as the next

    public RpcSession Session { get; private set; } = null!;

    public ref readonly RpcCallOptions Options => ref _options;

    /// <summary>Whether the call has ended already: there is no need to send it then.</summary>
    public bool IsCompleted => _completed;

    /// <summary>Whether it ended because its reply came. Set before it ends.</summary>
    public bool IsAnswered { get; private set; }

    protected RpcException? Failure { get; set; }

    protected bool IsCancelled { get; private set; }

    /// <summary>Ties a fresh call to its session.</summary>
    public void Start(RpcSession session, RpcMethodName method, RpcMessageFormat format, in RpcCallOptions options)
    {
        Session = session;
        Method = method;
        _format = format;
        _options = options;
        _holders = FirstHolders;
    }

    /// <summary>
    /// Ties the call to its token. Must come before the call is in the table: afterwards the call may end at any time, and
    /// whoever ends it disposes of the registration. A token that fires in between is seen by <see cref="CancelIfRequested"/>.
    /// </summary>
    public void Register()
    {
        _registration = _options.CancellationToken.UnsafeRegister(static state => ((PendingCall)state!).Cancel(), this);
        RegisterAtParent();
    }

    /// <summary>Ends the call if its token has fired; to be called when the call is in the table.</summary>
    public void CancelIfRequested()
    {
        if (_options.CancellationToken.IsCancellationRequested)
        {
            Cancel();
        }
        else if (_options.ParentCancellation.IsCancellationRequested)
        {
            EndWithParent();
        }
    }

    /// <summary>Gives up a call that never came into the table.</summary>
    public void Abandon()
    {
        Unregister();
        _holders = 0;
        Recycle();
    }

    /// <summary>Ends the call with a reply of version 1. Only for whoever took it out of the table.</summary>
    public void Complete(in RpcFrame frame)
    {
        IsAnswered = true;
        Failure = ReplyReader.Read(frame, Method);
        if (Failure is null)
        {
            try
            {
                OnMessage(frame.Body, attachment: default, cost: 0);
            }
            catch (RpcException exception)
            {
                Failure = exception;
            }
        }

        Finish();
    }

    /// <summary>Ends the call with an error. Only for whoever took it out of the table.</summary>
    public void Fail(RpcException failure)
    {
        Failure = failure;
        Finish();
    }

    /// <summary>Gives the call up, as its token does. Any thread, any time.</summary>
    public void Cancel()
    {
        if (Session.Calls.Remove(this))
        {
            IsCancelled = true;
            Finish();
        }
    }

    /// <summary>Holds the call for a while. Only for who knows that somebody holds it still: it is in the table, under its lock, or belongs to the caller.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder less; the last one makes the call ready for its next use.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            Recycle();
        }
    }

    // The caller's code runs here, on the thread pool and under no lock, whoever ended the call.
    void IThreadPoolWorkItem.Execute()
    {
        // Waits for a callback that runs right now, so that none can meet the next use of this object.
        Unregister();
        SetResult();
    }

    /// <summary>Takes a reply message, in the memory it was received in. On the read loop.</summary>
    /// <param name="message">The message, valid during the call.</param>
    /// <param name="attachment">Its attachment, likewise.</param>
    /// <param name="cost">Credit that it holds until it is released.</param>
    /// <exception cref="RpcException">It is not the reply that was expected.</exception>
    protected abstract void OnMessage(in ReadOnlySequence<byte> message, in ReadOnlySequence<byte> attachment, long cost);

    protected abstract void SetResult();

    protected abstract void ReturnToPool();

    /// <summary>Makes the call as new. Only for calls that are pooled.</summary>
    protected void Reset()
    {
        Method = null!;
        _options = default;
        Failure = null;
        IsCancelled = IsAnswered = false;
        _registration = _parentRegistration = default;
        Session = null!;
        ResetRequest();
        ResetDeadline();
        ResetVersion2();
        _completed = false;
    }

    private void Unregister()
    {
        _registration.Dispose();
        _parentRegistration.Dispose();
    }

    private void Finish()
    {
        _completed = true;
        Interlocked.MemoryBarrier(); // pairs with the one in Defer
        DropMessage();
        Session.OnEnded(this);

        // Last: from here on the caller may let go of the call.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Recycle()
    {
        Body.Clear();
        ReturnToPool();
    }
}
