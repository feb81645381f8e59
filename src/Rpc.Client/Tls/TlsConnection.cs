using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Client;

/// <summary>TLS over the connection of any transport. Completing the output says so to the peer; disposing ends both.</summary>
internal sealed class TlsConnection : ConnectionContext
{
    private const int BlockSize = 32 * 1024; // as SocketConnection

    private readonly ConnectionContext _inner;
    private readonly SslStream _stream;

    private TlsConnection(ConnectionContext inner, SslStream stream)
    {
        _inner = inner;
        _stream = stream;
        Transport = new DuplexPipe(
            PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: BlockSize, leaveOpen: true, useZeroByteReads: false)),
            PipeWriter.Create(
                new TlsSendSide(stream, inner.Transport.Output), new StreamPipeWriterOptions(minimumBufferSize: BlockSize, leaveOpen: false)));
    }

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    /// <summary>Shakes hands. The connection is closed if that fails.</summary>
    public static async Task<ConnectionContext> AuthenticateAsync(
        ConnectionContext connection, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        SslStream stream = new(
            new JoinedStream(connection.Transport.Input.AsStream(leaveOpen: true), connection.Transport.Output.AsStream(leaveOpen: true)),
            leaveInnerStreamOpen: true);
        try
        {
            await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return new TlsConnection(connection, stream);
        }
        catch
        {
            await stream.DisposeAsync().ConfigureAwait(false);
            connection.Abort(new ConnectionAbortedException("The TLS handshake failed."));
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _inner.Transport.Input.CompleteAsync().ConfigureAwait(false);
        await _inner.Transport.Output.CompleteAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
