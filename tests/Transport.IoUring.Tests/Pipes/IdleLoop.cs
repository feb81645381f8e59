using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>A loop that never runs: pipes only take their memory from it and post to it.</summary>
internal sealed class IdleLoop() : EventLoop("idle", MemoryPool<byte>.Shared, new InlineSettings(), maxBatchOfDirectSends: 0)
{
    public override LoopSocket CreateSocket(int descriptor) => throw new NotSupportedException();

    public override LoopAcceptor CreateAcceptor(int descriptor, IAcceptTarget target) => throw new NotSupportedException();

    public override LoopConnector CreateConnector(SocketAddress address) => throw new NotSupportedException();

    protected override void OpenOnLoop()
    {
    }

    protected override void WaitOnLoop(bool sleep)
    {
    }

    protected override int DispatchOnLoop() => 0;

    protected override void CloseOnLoop()
    {
    }

    private sealed class InlineSettings() : ConnectionSettings(
        new EpollTransportOptions { MaxReadBufferSize = InputUnderTest.PauseThreshold, MaxWriteBufferSize = OutputUnderTest.PauseThreshold },
        NullLogger.Instance)
    {
        public override PipeScheduler CreateApplicationScheduler(EventLoop loop) => PipeScheduler.Inline;
    }
}
