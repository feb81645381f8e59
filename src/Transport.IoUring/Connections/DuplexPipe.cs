using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport;

/// <summary>The two ends of two pipes that face the same side.</summary>
internal sealed record DuplexPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
