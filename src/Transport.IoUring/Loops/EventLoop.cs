using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// A thread that owns one ring or epoll set and everything registered in it. Other threads hand it work with
/// <see cref="Schedule"/>; it is woken only if it sleeps. As a <see cref="PipeScheduler"/> it runs the transport's side of the
/// pipes.
/// </summary>
/// <remarks>Members that end in <c>OnLoop</c> run on the loop's thread; all others may be called from any thread.</remarks>
internal abstract partial class EventLoop : PipeScheduler, IMeteredLoop, IDisposable
{
    /// <summary>How long a transport that stops waits for its threads: any that runs ends within it. One may be a handler's for ever.</summary>
    public static readonly TimeSpan LongestEnd = TimeSpan.FromSeconds(5);

    private const int Running = 0;
    private const int LeftBehind = 1;
    private const int Ended = 2;

    [ThreadStatic]
    private static EventLoop? t_current; // not the thread's id: the runtime gives that of an ended thread to another

    private readonly LoopHandles _handles = new(); // loop thread only
    private readonly ManualResetEventSlim _opened = new();
    private readonly PoolScheduler? _pool; // null where the application runs on the loop
    private readonly Thread _thread;
    private readonly SpinPolicy _spin;
    private readonly int _maxBatchOfDirectSends;

    private Exception? _openError;
    private int _lastBatch; // how many reports the last wait brought; a hint to other threads
    private int _connections;
    private bool _stopping; // loop thread only
    private int _end; // Running, LeftBehind or Ended: the thread, or who waited for it, gives the handles back, and nobody before its end
    private volatile bool _stopped;

    /// <param name="name">For logs and the thread.</param>
    /// <param name="memoryPool">Disposed with the loop.</param>
    /// <param name="settings">Of the transport.</param>
    /// <param name="maxBatchOfDirectSends">
    /// While a wait of the loop reports no more than this, posting a send to it when it sleeps costs more than to do the send where
    /// the bytes are; with more, one wake-up serves many.
    /// </param>
    /// <param name="keepsMemory">Whether blocks that come back may keep their memory for a moment, for the next connection.</param>
    protected EventLoop(string name, MemoryPool<byte> memoryPool, ConnectionSettings settings, int maxBatchOfDirectSends, bool keepsMemory = true)
    {
        _maxBatchOfDirectSends = maxBatchOfDirectSends;
        Name = name;
        MemoryPool = memoryPool;
        Logger = settings.Logger;
        ConnectionSettings = settings;
        Settings = settings.Loops;
        Blocks = new PipeBlockPool(memoryPool, keepsMemory ? Settings.TimeProvider : null, ReportFault);
        _spin = new SpinPolicy(Settings.SpinTime, Settings.TimeProvider);
        TimeProvider = Settings.TimeProvider;
        ApplicationScheduler = settings.CreateApplicationScheduler(this);
        _pool = ApplicationScheduler as PoolScheduler;
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    public string Name { get; }

    /// <summary>The pool that the loop's connections take their blocks from; disposed with the loop.</summary>
    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Makes blocks of it.</summary>
    public PipeBlockPool Blocks { get; }

    /// <summary>Runs the application's continuations of the loop's connections.</summary>
    public PipeScheduler ApplicationScheduler { get; }

    /// <summary>How many connections the loop serves; what accepted connections are balanced by.</summary>
    public int ConnectionCount => Volatile.Read(ref _connections);

    /// <summary>Of the connections that the loop serves.</summary>
    public ConnectionSettings ConnectionSettings { get; }

    public bool IsOnLoop => t_current == this;

    /// <summary>Whether this is the thread of a loop.</summary>
    public static bool IsOnAny => t_current is not null;

    /// <summary>
    /// Whether bytes are better sent by the thread that has them than posted to the loop: it sleeps, and would be woken for
    /// little. A snapshot, for any thread but the loop's.
    /// </summary>
    public bool IsDirectSendCheaper => Volatile.Read(ref _sleeping) == 1 && _lastBatch <= _maxBatchOfDirectSends && !IsOnLoop;

    /// <summary>Counts the loop's turns, so that a socket knows whether it had its share of this one. Loop thread only.</summary>
    protected internal long Iteration { get; private set; }

    /// <summary>The loop's number among those of its transport.</summary>
    public int Index { get; private set; }

    /// <summary>What the loop runs on, from its start.</summary>
    public LoopMode? Mode { get; protected set; }

    /// <summary>What the loop has done.</summary>
    public LoopStatistics Statistics { get; } = new();

    /// <summary>How often other threads had to wake the loop with a system call.</summary>
    public long WakeUps => _wake.Signals;

    protected LoopSettings Settings { get; }

    protected ILogger Logger { get; }

    /// <summary>Whether the loop ends by itself when the last of what it serves has closed.</summary>
    protected bool EndsWhenEmpty { get; init; }

    /// <summary>The descriptor whose readability ends a wait.</summary>
    protected int WakeDescriptor => _wake.Descriptor;

    /// <summary>
    /// Starts the thread as loop number <paramref name="index"/> of its transport and waits until the kernel has given it its
    /// ring or epoll set.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">The kernel refused; the message says what.</exception>
    /// <exception cref="IOException">The system has no thread for it.</exception>
    public void Start(int index)
    {
        Index = index;
        try
        {
            _thread.UnsafeStart();
        }
        catch (OutOfMemoryException e)
        {
            throw new IOException($"The system has no thread for the event loop {Name}.", e); // memory is the runtime's word for it
        }

        _opened.Wait();
        if (_openError is not null)
        {
            _thread.Join();
            throw new PlatformNotSupportedException(_openError.Message, _openError);
        }
    }

    /// <summary>Creates the loop's view of a connected socket. The socket starts with <see cref="LoopSocket.StartOnLoop"/>.</summary>
    public abstract LoopSocket CreateSocket(int descriptor);

    /// <summary>Creates what accepts from a listening socket on this loop.</summary>
    public abstract LoopAcceptor CreateAcceptor(int descriptor, IAcceptTarget target);

    /// <summary>Creates what connects a new socket to an address on this loop.</summary>
    public abstract LoopConnector CreateConnector(SocketAddress address);

    /// <summary>The turn of the loop whose thread this is; -1 on any other thread.</summary>
    public static long TurnOfCurrent => t_current?.Iteration ?? -1;

    /// <summary>As <see cref="ReportFault"/>, for the loop whose thread this is.</summary>
    public static void ReportFaultOfCurrent(Exception fault) => t_current?.ReportFault(fault);

    public void AddConnection() => Interlocked.Increment(ref _connections);

    public void RemoveConnection() => Interlocked.Decrement(ref _connections);

    /// <summary>Keeps the loop alive, and has <paramref name="handle"/> aborted when it stops.</summary>
    public void RegisterOnLoop(ILoopHandle handle)
    {
        AssertOnLoop();
        _handles.Add(handle);
        if (_stopping)
        {
            handle.AbortOnLoop();
        }
    }

    public void UnregisterOnLoop(ILoopHandle handle)
    {
        AssertOnLoop();
        _handles.Remove(handle);
        _stopping |= EndsWhenEmpty && _handles.Count == 0;
    }

    /// <summary>Has the thread abort what is still open and end, and does not wait for it. Once it has been started.</summary>
    public void BeginEnd() => Schedule(static loop => ((EventLoop)loop!).StopOnLoop(), this);

    /// <summary>As <see cref="End"/>, and waits no longer than <see cref="LongestEnd"/>.</summary>
    public void Dispose()
    {
        End(LongestEnd);
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Aborts what is still open, ends the thread and gives the kernel's objects back. Waits for the thread, unless it is this one; one
    /// that an application keeps beyond the limit gives them back itself, if it ever ends.
    /// </summary>
    public void End(TimeSpan limit)
    {
        if (_thread.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
        {
            Blocks.Dispose();
            MemoryPool.Dispose();
        }
        else
        {
            BeginEnd();
            bool isOnLoop = IsOnLoop; // an inline application disposes the host: the thread ends after this call
            if (isOnLoop || !_thread.Join(limit))
            {
                bool hasEnded = Interlocked.CompareExchange(ref _end, LeftBehind, Running) == Ended;
                if (!hasEnded && !isOnLoop)
                {
                    TransportLog.LoopDoesNotEnd(Logger, Name);
                }

                if (!hasEnded)
                {
                    return;
                }
            }
        }

        DisposeHandles();
    }

    [Conditional("DEBUG")]
    public void AssertOnLoop() => Debug.Assert(IsOnLoop || _stopped, "Must run on the loop's thread, or after its end, when nothing is left to do.");

    /// <summary>Takes the loop's kernel object; runs first on the thread.</summary>
    protected abstract void OpenOnLoop();

    /// <summary>Hands pending requests to the kernel and takes what it reports; blocks until there is something if <paramref name="sleep"/>.</summary>
    protected abstract void WaitOnLoop(bool sleep);

    /// <summary>Tells everybody whom the last wait's reports concern; returns how many there were.</summary>
    protected abstract int DispatchOnLoop();

    /// <summary>Gives the kernel object back; runs last on the thread, also after a failed <see cref="OpenOnLoop"/>.</summary>
    protected abstract void CloseOnLoop();

    /// <summary>The very last of the thread, also after a failed <see cref="OpenOnLoop"/>.</summary>
    protected virtual void OnEnded()
    {
    }

    protected void DisposeHandles()
    {
        _wake.Dispose();
        _opened.Dispose();
    }

    /// <summary>Makes the wake-up's descriptor unreadable again, where a wait reports its state and not its changes.</summary>
    protected void ResetWakeOnLoop() => _wake.Reset();

    /// <summary>Aborts every connection and leaves listeners alone.</summary>
    protected void AbortConnectionsOnLoop() => AbortOnLoop(Array.FindAll(_handles.ToArray(), handle => handle is TransportConnection));

    /// <summary>
    /// Something threw that must not: an inline application's callback past its own task, memory that is short. It concerns one
    /// connection, not the loop.
    /// </summary>
    public void ReportFault(Exception fault) => TransportLog.WorkItemFailed(Logger, Name, fault);

    private void Run()
    {
        t_current = this;
        try
        {
            if (Settings.ProcessorOf(Index) is { } processor)
            {
                Processors.PinCurrentThread(processor); // first: the memory of what follows shall be near
            }

            OpenOnLoop();
        }
        catch (Exception e)
        {
            _openError = e; // thrown by Start
            EndOnLoop();
            _opened.Set();
            return;
        }

        _opened.Set();
        try
        {
            while (!_stopping || _handles.Count > 0 || _local.Count > 0)
            {
                RunWorkOnLoop();
                if (_pool is not null && _pool.FlushOnLoop() && _lastBatch > 1)
                {
                    // Where the pool shares this processor its answers are posted now, all at once, and no one of them has to wake the loop.
                    // A single answer is faster sent by the thread that has it, which it does when the loop sleeps.
                    _ = Thread.Yield();
                }

                bool sleep = SleepOnLoop();
                Statistics.Sleeps += sleep ? 1 : 0;
                WaitOnLoop(sleep);
                Volatile.Write(ref _sleeping, 0); // before the dispatch: what it makes others post needs no wake-up
                Iteration++; // a turn begins with what the kernel reports: the time before the sleep is not that of what ended it
                _lastBatch = DispatchOnLoop();
            }
        }
        catch (Exception e)
        {
            // Nobody can say what state the connections are in, and nobody would serve them: like any unhandled exception.
            TransportLog.LoopFailed(Logger, Name, e);
            throw;
        }

        EndOnLoop();
    }

    private void EndOnLoop()
    {
        _pool?.FlushOnLoop(); // the last turn may have completed what the application waits for
        t_current = null;
        _stopped = true;
        Interlocked.MemoryBarrier(); // pairs with the one in Schedule
        RunOrphans();
        CloseOnLoop();
        Blocks.Dispose();
        MemoryPool.Dispose();
        OnEnded();
        if (Interlocked.Exchange(ref _end, Ended) == LeftBehind)
        {
            DisposeHandles();
        }
    }

    private void StopOnLoop()
    {
        _stopping = true;
        AbortOnLoop(_handles.ToArray());
    }

    /// <summary>Aborts every one of them, also where something throws in between.</summary>
    private void AbortOnLoop(ILoopHandle[] handles)
    {
        foreach (ILoopHandle handle in handles)
        {
            try
            {
                handle.AbortOnLoop();
            }
            catch (Exception e)
            {
                ReportFault(e);
            }
        }
    }
}
