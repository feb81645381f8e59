using System.ComponentModel;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The eventfd that ends a loop's wait. Epoll and io_uring watch its edges and never read it: every write is one, and the
/// counter has room for 2^64 of them.
/// </summary>
internal sealed unsafe class WakeEvent : IDisposable
{
    private readonly DescriptorHandle _handle;
    private long _signals;

    public WakeEvent()
    {
        int descriptor = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (descriptor < 0)
        {
            throw new Win32Exception(-descriptor);
        }

        _handle = new DescriptorHandle(descriptor);
    }

    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>How often <see cref="Signal"/> was called.</summary>
    public long Signals => Volatile.Read(ref _signals);

    public void Signal()
    {
        Interlocked.Increment(ref _signals);
        bool held = false;
        try
        {
            _handle.DangerousAddRef(ref held); // a late poster must not write into a reused descriptor
            ulong one = 1;
            _ = Libc.Write(Descriptor, &one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended; what was posted to it is run by the thread pool.
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>Makes the descriptor unreadable until the next <see cref="Signal"/>. By the thread that waits for it.</summary>
    public void Reset()
    {
        ulong count;
        _ = Libc.Read(Descriptor, &count, sizeof(ulong)); // EAGAIN: it was
    }

    public void Dispose() => _handle.Dispose();
}
