using System.Collections.Concurrent;
using System.ComponentModel;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Invocation.Native;

namespace Kestrel.Rpc.Invocation;

/// <summary>
/// A small multiplexer on epoll for programs that have no event loop: one thread (the one that calls <see cref="Run"/>) serves any number of
/// registered sources, of any messages. It does not own them.
/// </summary>
public sealed class InvocationLoop : IDisposable
{
    // Enough for one wait; what is not reported by one is by the next.
    private const int EventsPerWait = 64;

    private const long WakeId = 0;

    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<long, Entry> _entries = new();
    private readonly DescriptorHandle _epoll;
    private readonly EventFd _wake = new();
    private readonly TimeSpan _spinTime;
    private readonly TimeProvider _timeProvider;
    private readonly int _budget;
    private Entry[] _spinning = []; // the values of _entries, for the loop that spins; replaced, never changed
    private long _lastId;
    private long _sleeps;
    private int _running;

    /// <param name="options">Default: <see cref="InvocationLoopOptions"/> as they are.</param>
    /// <exception cref="Win32Exception">The kernel has no descriptor.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public InvocationLoop(InvocationLoopOptions? options = null)
    {
        options ??= new InvocationLoopOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Budget, 1, nameof(options));
        _spinTime = Spinner.Check(options.SpinTime, nameof(options));
        _timeProvider = options.TimeProvider;
        _budget = options.Budget;
        int descriptor = Libc.EpollCreate1(Libc.EPOLL_CLOEXEC);
        if (descriptor < 0)
        {
            _wake.Dispose();
            throw new Win32Exception(-descriptor);
        }

        _epoll = new DescriptorHandle(descriptor);
        Control(Libc.EPOLL_CTL_ADD, _wake.Handle, WakeId);
    }

    /// <summary>How often the loop has gone to sleep in the kernel.</summary>
    public long Sleeps => Volatile.Read(ref _sleeps);

    /// <summary>Registers a source: calls its <see cref="IReadySource.Init"/> and watches its descriptor. Any thread, at any time.</summary>
    /// <param name="source">In no loop.</param>
    /// <exception cref="Win32Exception">The kernel refuses the descriptor.</exception>
    public void Add(IReadySource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.Init();
        var entry = new Entry(source, Interlocked.Increment(ref _lastId));
        _entries[entry.Id] = entry;
        try
        {
            Control(Libc.EPOLL_CTL_ADD, source.Descriptor, entry.Id);
        }
        catch
        {
            _entries.TryRemove(entry.Id, out _);
            throw;
        }

        PublishEntries();
    }

    /// <summary>
    /// Takes a source out. Any thread; when it returns the loop does not touch the source any more, so it waits for a handler of it that is just running
    /// (unless that is who calls).
    /// </summary>
    /// <param name="source">The source.</param>
    /// <returns>Whether it was registered.</returns>
    public bool Remove(IReadySource source)
    {
        foreach (Entry entry in _entries.Values)
        {
            if (ReferenceEquals(entry.Source, source) && _entries.TryRemove(entry.Id, out _))
            {
                Control(Libc.EPOLL_CTL_DEL, source.Descriptor, entry.Id);
                PublishEntries();
                entry.End();
                return true;
            }
        }

        return false;
    }

    /// <summary>Serves the registered sources on this thread until it is cancelled.</summary>
    /// <param name="cancellationToken">Ends the loop after the source that it is just serving.</param>
    /// <exception cref="InvalidOperationException">Another thread runs the loop.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _running, 1) != 0)
        {
            throw new InvalidOperationException("The loop is run by another thread.");
        }

        try
        {
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static wake => ((EventFd)wake!).Raise(), _wake);
            var spinner = new Spinner(_spinTime, _timeProvider);
            while (!cancellationToken.IsCancellationRequested)
            {
                if (_spinTime != TimeSpan.Zero && Spin(ref spinner, cancellationToken))
                {
                    return;
                }

                Sleep();
                spinner.Found();
            }
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    /// <summary>Closes the loop's own descriptors. When nobody runs it.</summary>
    public void Dispose()
    {
        _epoll.Dispose();
        _wake.Dispose();
    }

    /// <summary>Looks again and again. True: cancelled; false: the time is over, and the sources have been told that the loop sleeps now.</summary>
    private bool Spin(ref Spinner spinner, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            int handled = 0;
            foreach (Entry entry in Volatile.Read(ref _spinning))
            {
                handled += entry.Poll(_budget);
            }

            if (handled > 0)
            {
                spinner.Found();
            }
            else if (!spinner.LooksAgain())
            {
                foreach (Entry entry in Volatile.Read(ref _spinning))
                {
                    entry.Init();
                }

                return false;
            }
        }

        return true;
    }

    private unsafe void Sleep()
    {
        byte* events = stackalloc byte[EventsPerWait * 16];
        Volatile.Write(ref _sleeps, _sleeps + 1);
        int count = Libc.EpollWait((int)_epoll.DangerousGetHandle(), events, EventsPerWait, -1);
        if (count < 0 && count != -Libc.EINTR)
        {
            throw new Win32Exception(-count);
        }

        for (int index = 0; index < count; index++)
        {
            long id = (long)EpollEvent.At(events, index)->Data;
            if (id == WakeId)
            {
                _wake.Reset();
            }
            else if (_entries.TryGetValue(id, out Entry? entry))
            {
                entry.OnReady(_budget);
            }
        }
    }

    private void PublishEntries()
    {
        lock (_changing)
        {
            Volatile.Write(ref _spinning, [.. _entries.Values]);
        }
    }

    private unsafe void Control(int operation, SafeHandle descriptor, long id)
    {
        bool held = false;
        try
        {
            descriptor.DangerousAddRef(ref held);
            var change = new EpollEvent { Events = Libc.EPOLLIN, Data = (ulong)id };
            int error = Libc.EpollCtl((int)_epoll.DangerousGetHandle(), operation, (int)descriptor.DangerousGetHandle(), &change);
            if (error < 0)
            {
                throw new Win32Exception(-error);
            }
        }
        finally
        {
            if (held)
            {
                descriptor.DangerousRelease();
            }
        }
    }

    /// <summary>One registered source; its lock is what <see cref="Remove"/> waits for.</summary>
    private sealed class Entry(IReadySource source, long id)
    {
        private readonly Lock _lock = new();
        private bool _hasEnded;

        public IReadySource Source => source;

        public long Id => id;

        public void Init()
        {
            lock (_lock)
            {
                if (!_hasEnded)
                {
                    source.Init();
                }
            }
        }

        public void OnReady(int budget)
        {
            lock (_lock)
            {
                _ = _hasEnded ? 0 : source.OnReady(budget);
            }
        }

        public int Poll(int budget)
        {
            lock (_lock)
            {
                return _hasEnded ? 0 : source.Poll(budget);
            }
        }

        public void End()
        {
            lock (_lock)
            {
                _hasEnded = true;
            }
        }
    }
}
