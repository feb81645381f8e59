using System.Runtime.InteropServices;
using Kestrel.Rpc.Transport.Native;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport;

/// <summary>What the kernel's error numbers mean to a connection.</summary>
internal static class SocketErrors
{
    /// <summary>The peer has closed the connection on its side, hard or before our bytes arrived.</summary>
    public static bool IsReset(int error) => error is Errno.ECONNRESET or Errno.EPIPE;

    /// <summary>
    /// A failed accept concerned one connection only: the next may succeed at once. Anything else (no descriptors, no memory,
    /// a listening socket that somebody shut down) would fail again at once, so that the acceptor waits.
    /// </summary>
    public static bool IsFaultOfOneConnection(int error) => error
        is Errno.ECONNABORTED or Errno.EINTR or Errno.EAGAIN or Errno.EPERM or Errno.EPROTO or Errno.ENETDOWN
        or Errno.ENETUNREACH or Errno.EHOSTDOWN or Errno.EHOSTUNREACH or Errno.ETIMEDOUT;

    /// <summary>The exception that a connection's user sees for the error number.</summary>
    public static Exception ToException(int error) =>
        IsReset(error) ? new ConnectionResetException(Message(error)) : new IOException(Message(error), error);

    /// <summary>The exception for a call of the transport itself that the kernel refused.</summary>
    public static Exception ToException(int error, string call) => new IOException($"{call} failed: {Message(error)}.", error);

    public static string Message(int error) => Marshal.GetPInvokeErrorMessage(error);
}
