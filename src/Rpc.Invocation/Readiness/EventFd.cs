using System.ComponentModel;
using System.Runtime.InteropServices;
using Kestrel.Rpc.Invocation.Native;

namespace Kestrel.Rpc.Invocation;

/// <summary>A descriptor that any thread makes readable. Any thread.</summary>
internal sealed unsafe class EventFd : IDisposable
{
    private readonly DescriptorHandle _handle;
    private long _writes;

    public EventFd()
    {
        int descriptor = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (descriptor < 0)
        {
            throw new Win32Exception(-descriptor);
        }

        _handle = new DescriptorHandle(descriptor);
    }

    public SafeHandle Handle => _handle;

    /// <summary>How often <see cref="Raise"/> was called: each is a system call.</summary>
    public long Writes => Volatile.Read(ref _writes);

    public void Raise()
    {
        Interlocked.Increment(ref _writes);
        ulong one = 1;
        Use(&one, write: true);
    }

    /// <summary>Makes it unreadable until the next <see cref="Raise"/>.</summary>
    public void Reset()
    {
        ulong count;
        Use(&count, write: false); // EAGAIN: it was unreadable
    }

    public void Dispose() => _handle.Dispose();

    private void Use(ulong* value, bool write)
    {
        bool held = false;
        try
        {
            _handle.DangerousAddRef(ref held); // a late sender must not write into a descriptor that is somebody else's by now
            int descriptor = (int)_handle.DangerousGetHandle();
            _ = write ? Libc.Write(descriptor, value, sizeof(ulong)) : Libc.Read(descriptor, value, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // Nobody watches it any more.
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }
}
