using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>
/// A call under way. Three parties know it: the <see cref="PendingCallTable"/>, the request queue and the caller. Whoever takes
/// it out of the table, and nobody else, completes it. It is used again once both the request queue and the caller let go of it.
/// </summary>
internal abstract partial class PendingCall : IThreadPoolWorkItem
{
    private const int Holders = 2; // the request queue and the caller

    private int _holders;
    private volatile bool _completed;
    private PendingCallTable _table = null!; // from Register to Recycle, as the next
    private RequestQueue _requests = null!;
    private CancellationTokenRegistration _registration;

    /// <summary>Written and read under the lock of the table; 0 while it is not in there.</summary>
    public uint SequenceId { get; set; }

    public RpcMethodName Method { get; private set; } = null!; // from Start to Recycle

    /// <summary>Whether the call has ended already: there is no need to send it then.</summary>
    public bool IsCompleted => _completed;

    protected RpcException? Failure { get; private set; }

    protected CancellationToken CancellationToken { get; private set; }

    protected bool IsCancelled { get; private set; }

    /// <summary>Takes a fresh call into use.</summary>
    public void Start(RpcMethodName method)
    {
        Method = method;
        _holders = Holders;
    }

    /// <summary>
    /// Ties the call to a token. Must come before the call is in the table: afterwards the call may end at any time, and
    /// whoever ends it disposes of the registration. A token that fires in between is seen by
    /// <see cref="CancelIfRequested"/>.
    /// </summary>
    public void Register(PendingCallTable table, RequestQueue requests, CancellationToken cancellationToken)
    {
        _table = table;
        _requests = requests;
        CancellationToken = cancellationToken;
        _registration = cancellationToken.UnsafeRegister(static state => ((PendingCall)state!).Cancel(), this);
    }

    /// <summary>Ends the call if its token has fired; to be called when the call is in the table.</summary>
    public void CancelIfRequested()
    {
        if (CancellationToken.IsCancellationRequested)
        {
            Cancel();
        }
    }

    /// <summary>Gives up a call that never came into the table.</summary>
    public void Abandon()
    {
        _registration.Dispose();
        _holders = 0;
        Recycle();
    }

    /// <summary>Ends the call with the reply. Only for whoever took it out of the table.</summary>
    public void Complete(in RpcFrame frame)
    {
        Failure = ReplyReader.Read(frame, Method);
        if (Failure is null)
        {
            try
            {
                ReadReply(frame);
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
        _registration.Dispose();
        SetResult();
    }

    protected abstract void ReadReply(in RpcFrame frame);

    protected abstract void SetResult();

    protected abstract void ReturnToPool();

    private void Cancel()
    {
        if (_table.Remove(this))
        {
            IsCancelled = true;
            Finish();
        }
    }

    private void Finish()
    {
        _completed = true;
        Interlocked.MemoryBarrier(); // pairs with the one in Defer
        DropMessage();
        _requests.OnEnded(this);

        // Last: from here on the caller may let go of the call.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Recycle()
    {
        Frame.Clear();
        Method = null!;
        Failure = null;
        IsCancelled = false;
        CancellationToken = default;
        _registration = default;
        _table = null!;
        _requests = null!;
        _completed = false;
        ReturnToPool();
    }
}
