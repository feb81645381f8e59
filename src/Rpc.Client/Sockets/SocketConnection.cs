using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Client;

/// <summary>A plain socket as a connection. Completing the output sends FIN; disposing closes the socket.</summary>
internal sealed class SocketConnection : ConnectionContext
{
    // One write for most batches of the send queue, one read for many replies.
    private const int BlockSize = 32 * 1024;

    private readonly Socket _socket;

    public SocketConnection(Socket socket)
    {
        _socket = socket;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        Transport = new DuplexPipe(
            PipeReader.Create(
                new NetworkStream(socket, ownsSocket: false),
                new StreamPipeReaderOptions(bufferSize: BlockSize, minimumReadSize: 4096, leaveOpen: true, useZeroByteReads: false)),
            PipeWriter.Create(
                new SendSideStream(socket),
                new StreamPipeWriterOptions(minimumBufferSize: BlockSize, leaveOpen: false)));
    }

    public override string ConnectionId { get; set; } = Guid.CreateVersion7().ToString("N");

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint { get; set; }

    public override EndPoint? RemoteEndPoint { get; set; }

    // Linger 0: the peer sees RST and cannot take a cut-off request for a whole one.
    public override void Abort(ConnectionAbortedException abortReason) => _socket.Close(0);

    public override ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return base.DisposeAsync();
    }

    private sealed class DuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
