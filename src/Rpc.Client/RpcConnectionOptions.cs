using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Rpc.Client;

/// <summary>How an <see cref="RpcConnection"/> behaves. Read once, when the connection is made.</summary>
public sealed class RpcConnectionOptions
{
    /// <summary>The longest frame sent or accepted. Default: <see cref="RpcFrameLimits.Default"/>.</summary>
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
    /// How many bytes of requests may wait to be written. A call beyond that fails at once with
    /// <see cref="RpcErrorCode.Client"/>, but one request is always accepted when none waits, however long it is. Bytes;
    /// default 32 MiB; at least 1.
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
    /// How long connecting may take; then it fails with <see cref="RpcErrorCode.Timeout"/>. Default 60 s;
    /// <see cref="Timeout.InfiniteTimeSpan"/> for no limit.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// How long closing may wait for the peer: for requests half sent, and for late replies, so that the peer sees FIN and not
    /// RST. Then the connection is aborted. Default 5 s.
    /// </summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(5);

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
}
