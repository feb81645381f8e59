using System.ComponentModel;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// The eventfd that ends a loop's wait. It is watched edge-triggered and never read: every write is an edge, and the counter
/// has room for 2^64 of them.
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

    public void Dispose() => _handle.Dispose();
}
