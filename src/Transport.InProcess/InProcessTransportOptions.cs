namespace Kestrel.Rpc.Transport;

/// <summary>Options of the in-process transport. Read once, when the first end point is bound; they hold for both sides of a connection.</summary>
public sealed class InProcessTransportOptions
{
    /// <summary>
    /// The network whose clients reach the end points. Default <see cref="InProcessNetwork.Default"/>, the one of the whole
    /// process.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public InProcessNetwork Network
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = InProcessNetwork.Default;

    /// <summary>
    /// Whether everything that a socket could listen on is served in process, not only <see cref="InProcessEndPoint"/>s: for tests of
    /// a program that listens on TCP ports or Unix sockets. Nothing is bound then; port 0 becomes a number that nobody else in the network
    /// has. Default <see langword="false"/>.
    /// </summary>
    public bool ClaimEveryEndPoint { get; set; }

    /// <summary>Where code runs that waits for the other side. Default <see cref="InProcessScheduling.ThreadPool"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the enumeration.</exception>
    public InProcessScheduling Scheduling
    {
        get;
        set
        {
            if (!Enum.IsDefined(value))
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, "The option must be ThreadPool or Inline.");
            }

            field = value;
        }
    }

    /// <summary>
    /// How many bytes from the client one connection may hold that the server's application has not examined, before the
    /// client's flush waits; it completes at half. Bytes; default 1 MiB; <see langword="null"/> means no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public long? MaxReadBufferSize
    {
        get;
        set
        {
            ThrowIfNoLimit(value);
            field = value;
        }
    } = 1024 * 1024;

    /// <summary>
    /// How many bytes from the server one connection may hold that the client has not examined, before the server's flush
    /// waits; it completes at half. Bytes; default 64 KiB; <see langword="null"/> means no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public long? MaxWriteBufferSize
    {
        get;
        set
        {
            ThrowIfNoLimit(value);
            field = value;
        }
    } = 64 * 1024;

    /// <summary>
    /// How many connections of one end point may wait until the server accepts them. The next client waits in its connect.
    /// Default 512; at least 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int Backlog
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 512;

    /// <summary>
    /// Whether the other side of an aborted connection sees an orderly end instead of a reset. It may then take a cut-off reply
    /// for a whole one. Default <see langword="false"/>.
    /// </summary>
    public bool FinOnError { get; set; }

    private static void ThrowIfNoLimit(long? value)
    {
        if (value is < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "The limit must be at least 1 byte, or null.");
        }
    }
}
