using Microsoft.Win32.SafeHandles;

namespace Kestrel.Rpc.Invocation.Native;

/// <summary>A file descriptor that is closed exactly once.</summary>
internal sealed class DescriptorHandle : SafeHandleMinusOneIsInvalid
{
    public DescriptorHandle(int descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    protected override bool ReleaseHandle() => Libc.Close((int)handle) >= 0;
}
