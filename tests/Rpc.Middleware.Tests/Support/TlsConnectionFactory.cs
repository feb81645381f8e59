using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>Connects the client through TLS, as an application would: a connection whose pipes are those of an <see cref="SslStream"/>.</summary>
internal sealed class TlsConnectionFactory : IConnectionFactory
{
    /// <summary>The socket connected last.</summary>
    public Socket? Socket { get; private set; }

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await Socket.ConnectAsync(endpoint, cancellationToken);
        SslStream stream = new(new NetworkStream(Socket, ownsSocket: true), leaveInnerStreamOpen: false, (_, certificate, _, _) => Tls.IsOurs(certificate));
        await stream.AuthenticateAsClientAsync("localhost");
        return new TlsConnection(Socket, stream);
    }

    private sealed class TlsConnection : DefaultConnectionContext
    {
        private readonly Socket _socket;
        private readonly SslStream _stream;

        public TlsConnection(Socket socket, SslStream stream)
            : base(Guid.CreateVersion7().ToString("N"))
        {
            _socket = socket;
            _stream = stream;

            // Completing the output leaves the stream open: the client goes on reading.
            Transport = new Duplex(
                PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)),
                PipeWriter.Create(new SendSide(stream), new StreamPipeWriterOptions(leaveOpen: false)));
        }

        public override void Abort(ConnectionAbortedException abortReason) => _socket.Close(0);

        public override async ValueTask DisposeAsync()
        {
            await _stream.DisposeAsync();
            await base.DisposeAsync();
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Disposed of when the output ends: TLS says so with close_notify.</summary>
    private sealed class SendSide(SslStream stream) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => stream.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => stream.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => stream.Write(buffer, offset, count);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            stream.WriteAsync(buffer, cancellationToken);

        public override async ValueTask DisposeAsync()
        {
            await stream.ShutdownAsync();
            await base.DisposeAsync();
        }
    }
}
