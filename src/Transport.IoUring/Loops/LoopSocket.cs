using System.Buffers;
using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// One connected socket as its event loop sees it: at most one receive and one send at a time, each awaited by the
/// connection. Loop thread only, but for <see cref="Descriptor"/> and <see cref="TrySend"/>.
/// </summary>
internal abstract unsafe class LoopSocket
{
    protected LoopSocket(int descriptor) => Descriptor = descriptor;

    /// <summary>The socket; owned by this object from its creation until <see cref="CloseAsync"/> has completed.</summary>
    public int Descriptor { get; }

    /// <summary>
    /// What memory refused to do: the pool gave none, or could not pin it. The operation it happened in results in ENOMEM.
    /// </summary>
    public Exception? MemoryFault { get; protected set; }

    /// <summary>
    /// Registers the socket with the kernel. Bytes go to <paramref name="input"/>. A negated error number if it is refused;
    /// the socket must be closed then too.
    /// </summary>
    public abstract int StartOnLoop(ConnectionInput input);

    /// <summary>
    /// Waits until at least one byte has been advanced into the input, which the caller then flushes. Results in the number
    /// of bytes, 0 at the end of the peer's stream, or a negated error number.
    /// </summary>
    public abstract LoopOperation ReceiveAsync();

    /// <summary>Stops taking bytes from the kernel, as far as this has not happened already.</summary>
    public abstract void PauseReceiving();

    /// <summary>Takes bytes again.</summary>
    public abstract void ResumeReceiving();

    /// <summary>Takes no more bytes, ever: nobody will read them. Nothing is advanced into the input from here on.</summary>
    public abstract void StopReceiving();

    /// <summary>
    /// Sends all of <paramref name="buffer"/>, which stays the caller's and must not change until completion. Results in 0 or
    /// a negated error number.
    /// </summary>
    public abstract LoopOperation SendAsync(in ReadOnlySequence<byte> buffer);

    /// <summary>Whether a send is under way.</summary>
    public abstract bool IsSending { get; }

    /// <summary>Makes the pending receive and send complete, and every later one complete at once, with ECANCELED.</summary>
    public abstract void Cancel();

    /// <summary>Waits for the kernel's last completion and closes the descriptor. To be called once, after <see cref="Cancel"/>.</summary>
    public abstract LoopOperation CloseAsync();

    /// <summary>Sends FIN after what has been sent; the peer's bytes still come.</summary>
    public void ShutdownSend() => _ = Libc.Shutdown(Descriptor, Libc.SHUT_WR); // ENOTCONN: the peer was first

    /// <summary>
    /// Sends what the socket takes at once of the first segments: the number of bytes, or a negated error number. Any thread, while
    /// nothing else is sent and the descriptor is open.
    /// </summary>
    /// <param name="bytes">What is to be sent.</param>
    /// <param name="isWhole">Whether the socket took all that it was offered: it may take more.</param>
    public int TrySend(in ReadOnlySequence<byte> bytes, out bool isWhole)
    {
        if (!bytes.IsSingleSegment)
        {
            return DirectSend.TrySend(Descriptor, bytes, out isWhole);
        }

        ReadOnlySpan<byte> only = bytes.FirstSpan;
        fixed (byte* buffer = only)
        {
            int result = Libc.Send(Descriptor, buffer, (nuint)only.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL);
            isWhole = result == only.Length;
            return result;
        }
    }

    /// <summary>Sends FIN after what has been sent, and takes nothing more.</summary>
    public void ShutdownBoth() => _ = Libc.Shutdown(Descriptor, Libc.SHUT_RDWR); // ENOTCONN: the peer was first

    /// <summary>
    /// Whether a socket at the end of its input has been reset and its error is gone: a send got it together with a number of bytes,
    /// and told the bytes. Where the peer ended its stream first and answered later bytes with a reset, the error is still there.
    /// </summary>
    public bool WasReset()
    {
        byte state = 0; // the first member of struct tcp_info
        uint length = sizeof(byte);
        if (Libc.GetSockOpt(Descriptor, Libc.IPPROTO_TCP, Libc.TCP_INFO, &state, &length) < 0 || state != Libc.TCP_CLOSE)
        {
            return false; // also where there is no such thing: a Unix socket
        }

        int error = 0;
        length = sizeof(int);
        return Libc.GetSockOpt(Descriptor, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length) == 0 && error == 0;
    }

    /// <summary>Closes a socket that no loop knows, with RST.</summary>
    public static void Reset(int descriptor)
    {
        ResetOnClose(descriptor);
        _ = Libc.Close(descriptor);
    }

    /// <summary>Makes the close send RST instead of FIN.</summary>
    public void ResetOnClose() => ResetOnClose(Descriptor);

    private static void ResetOnClose(int descriptor)
    {
        var linger = new Linger { OnOff = 1, Seconds = 0 };
        _ = Libc.SetSockOpt(descriptor, Libc.SOL_SOCKET, Libc.SO_LINGER, &linger, (uint)sizeof(Linger));
    }
}
