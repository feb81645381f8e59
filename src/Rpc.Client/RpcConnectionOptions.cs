using System.Net.Security;
using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Rpc.Client;

/// <summary>How an <see cref="RpcConnection"/> behaves. Read once, when the connection is made.</summary>
public sealed class RpcConnectionOptions
{
    private int? _protocolVersion;

    /// <summary>
    /// The longest frame sent or accepted in version 1. In version 2 that of protocol data is that of frame headers; the others are in
    /// <see cref="Settings"/>. Default: <see cref="RpcFrameLimits.Default"/>.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public RpcFrameLimits Limits
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = RpcFrameLimits.Default;

    /// <summary>
    /// The version of the protocol spoken: 1 or 2. Default 2, and 1 with <see cref="OneRequestAtATime"/>. Version 2 has what version 1 has
    /// not: metadata, deadlines and cancelling that reach the server, streams, attachments, messages that are cut so as to hold up no others.
    /// Servers of MyRPC speak version 1 only.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is neither.</exception>
    public int ProtocolVersion
    {
        get => _protocolVersion ?? (OneRequestAtATime ? RpcFrameHeader.Version1 : RpcFrameHeader.Version2);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, RpcFrameHeader.Version1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, RpcFrameHeader.Version2);
            _protocolVersion = value;
        }
    }

    /// <summary>
    /// What this side accepts from a server of version 2: credit, the longest frame and the longest message, which is also the longest one
    /// sent. Told to the server if it is not the default. Default: <see cref="RpcSettings.Default"/>.
    /// </summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public RpcSettings Settings
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = RpcSettings.Default;

    /// <summary>What replies may be compressed with, if the server likes. Default <see cref="RpcEncodings.None"/>. Version 2.</summary>
    public RpcEncodings AcceptedEncodings { get; set; }

    /// <summary>
    /// How long the server may be silent before it is asked with a PING whether it is there. Default <see cref="Timeout.InfiniteTimeSpan"/>:
    /// never; else 1 ms to 49 days. Version 2.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan KeepAliveInterval
    {
        get;
        set
        {
            ThrowIfNoTimeout(value, nameof(value));
            ArgumentOutOfRangeException.ThrowIfEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = Timeout.InfiniteTimeSpan;

    /// <summary>
    /// How long the server may take to answer that PING, or to send anything else. Then the connection ends, and its calls fail with
    /// <see cref="RpcStatusCode.Unavailable"/>. Default 20 s; 1 ms to 49 days. Version 2.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan KeepAliveTimeout
    {
        get;
        set
        {
            ThrowIfNoTimeout(value, nameof(value));
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How many calls may be under way at once. One more fails at once with <see cref="RpcErrorCode.Client"/>. Default 65,536;
    /// at least 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public int MaxPendingCalls
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 65_536;

    /// <summary>
    /// How many bytes of requests may wait to be written, and the last of them. Calls beyond that are not refused: their requests
    /// wait as the messages that they are, and are serialised when the peer takes what is before them. Bytes; default 32 MiB; at
    /// least 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is below 1.</exception>
    public long MaxQueuedBytes
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            field = value;
        }
    } = 32 * 1024 * 1024;

    /// <summary>
    /// Whether a request leaves only when the call before it has ended: for servers that lose what comes behind a request, as
    /// the original MyRPC server does. Further calls wait in the order they were made; <see cref="MaxPendingCalls"/> bounds
    /// them, and their tokens end them. Default false.
    /// </summary>
    /// <remarks>
    /// Such a server sends no reply to a call that fails, and everything behind that call waits: give each call a token. A call
    /// that is cancelled after it left lets the next one leave, which is lost in turn if the server has not read the first by
    /// then. For calls that really run at once, make more connections.
    /// </remarks>
    public bool OneRequestAtATime { get; set; }

    /// <summary>
    /// Whether calls without a <see cref="RpcCallOptions.Parent"/> have <see cref="RpcParentCall.Current"/> as theirs, if there is one: the call of a server
    /// that says so. Default false.
    /// </summary>
    public bool FollowsAmbientCall { get; set; }

    /// <summary>
    /// TLS for the connections that <c>ConnectAsync</c> makes, over whatever transport: the server's name, who is trusted, the certificate of this client for servers that ask for one
    /// (<see cref="SslClientAuthenticationOptions.ClientCertificates"/> or <see cref="SslClientAuthenticationOptions.ClientCertificateContext"/>). It must name the
    /// server (<see cref="SslClientAuthenticationOptions.TargetHost"/>). Default null: no TLS. No effect on connections that are taken over open.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; set; }

    /// <summary>
    /// How long connecting may take, the TLS handshake included; then it fails with <see cref="RpcErrorCode.Timeout"/>. Default 60 s; from 0 to 49 days, or
    /// <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan ConnectTimeout
    {
        get;
        set
        {
            ThrowIfNoTimeout(value, nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long closing may wait until the transport has taken its end. Then the connection is aborted. Default 5 s; from 0 to
    /// 49 days, or <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public TimeSpan CloseTimeout
    {
        get;
        set
        {
            ThrowIfNoTimeout(value, nameof(value));
            field = value;
        }
    } = TimeSpan.FromSeconds(5);

    /// <summary>Where the connection logs to. Default: nowhere.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public ILoggerFactory LoggerFactory
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = NullLoggerFactory.Instance;

    /// <summary>The clock of the time-outs. Default: <see cref="TimeProvider.System"/>.</summary>
    /// <exception cref="ArgumentNullException">The value is null.</exception>
    public TimeProvider TimeProvider
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = TimeProvider.System;

    /// <summary>The version spoken.</summary>
    /// <exception cref="InvalidOperationException">Options that exclude each other.</exception>
    internal byte GetVersion() => OneRequestAtATime && ProtocolVersion == RpcFrameHeader.Version2
        ? throw new InvalidOperationException($"{nameof(OneRequestAtATime)} is for servers of version 1.")
        : (byte)ProtocolVersion;

    /// <summary>Checks what can be checked before connecting.</summary>
    /// <exception cref="InvalidOperationException">TLS that does not say whom it is for.</exception>
    internal void ThrowIfNoTlsTarget()
    {
        if (Tls is { TargetHost: null or "" })
        {
            throw new InvalidOperationException(
                $"{nameof(Tls)}.{nameof(SslClientAuthenticationOptions.TargetHost)} is missing: the name that the server's certificate must have.");
        }
    }

    // A timer takes a little more; whole days are easier to remember.
    private static void ThrowIfNoTimeout(TimeSpan value, string name)
    {
        if (value != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, name);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromDays(49), name);
        }
    }
}
