using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Both ends of a connection as the application sees them, one of them replaced.</summary>
internal sealed class BrokenDuplexPipe(PipeReader input, PipeWriter output) : IDuplexPipe
{
    public PipeReader Input => input;

    public PipeWriter Output => output;
}

/// <summary>A reader that passes everything on.</summary>
internal class BrokenReader(PipeReader inner) : PipeReader
{
    public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => inner.ReadAsync(cancellationToken);

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result);
}

/// <summary>A writer that passes everything on.</summary>
internal class BrokenWriter(PipeWriter inner) : PipeWriter
{
    public override void Advance(int bytes) => inner.Advance(bytes);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);
}

/// <summary>Puts pipes in front of a connection's own, with a method of the wrapper's choice moving the bytes.</summary>
internal static class BrokenPump
{
    public static void ReplaceInput(ConnectionContext connection, Func<PipeReader, PipeWriter, Task> pump)
    {
        var pipe = new Pipe(new PipeOptions(useSynchronizationContext: false));
        IDuplexPipe inner = connection.Transport;
        connection.Transport = new BrokenDuplexPipe(pipe.Reader, inner.Output);
        _ = RunAsync(() => pump(inner.Input, pipe.Writer), pipe.Writer);
    }

    public static void ReplaceOutput(ConnectionContext connection, Func<PipeReader, PipeWriter, Task> pump)
    {
        var pipe = new Pipe(new PipeOptions(useSynchronizationContext: false));
        IDuplexPipe inner = connection.Transport;
        connection.Transport = new BrokenDuplexPipe(inner.Input, pipe.Writer);
        _ = RunAsync(() => pump(pipe.Reader, inner.Output), inner.Output);
    }

    private static async Task RunAsync(Func<Task> pump, PipeWriter target)
    {
        try
        {
            await pump();
        }
        catch (Exception failure) when (failure is ConnectionResetException or ConnectionAbortedException or InvalidOperationException)
        {
            // The connection is over for the pump, and so for the side that waits for its bytes.
            await target.CompleteAsync(failure);
        }
    }
}
