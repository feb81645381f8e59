using System.Buffers;

namespace Kestrel.Rpc.Protocol.Tests.Fuzz;

/// <summary>
/// What a server does with the frames of one call until something is refused: method table, credit, assembly. All memory must be back
/// afterwards, and never may more be held than credit and limits allow.
/// </summary>
internal sealed class CallTarget : FuzzTarget
{
    private const int MaxMessageLength = 1000;
    private const int Window = 2000;

    private static readonly RpcFrameRules Rules = new(null, new RpcFrameLimits { MaxProtocolDataLength = 128, MaxBodyLength = 256 });

    private readonly CountingPool _pool = new();

    public override IReadOnlyList<byte[]> Corpus { get; } =
    [
        .. Version2DocumentTests.Written.Where(vector => vector.Key.StartsWith("v2-request", StringComparison.Ordinal)).Select(vector => vector.Value()),
        [
            .. Frames.Make(RpcFrameType.Request, 1, [0x02, 0x03, 0x03, (byte)'a', (byte)'/', (byte)'b', 0x0e, 0x80, 0x04], new byte[200]), // 512 bytes
            .. Frames.Make(RpcFrameType.Data, 1, [0x02], new byte[200]),
            .. Frames.Make(RpcFrameType.Data, 1, [0x01], new byte[112]),
        ],
        [
            .. Frames.Make(RpcFrameType.Data, 1, [0x02, 0x0e, 0xb0, 0x09], new byte[240]), // 1200 bytes: over the limit
            .. Enumerable.Range(0, 3).SelectMany(_ => Frames.Make(RpcFrameType.Data, 1, [0x02], new byte[240])),
            .. Frames.Make(RpcFrameType.Data, 1, [], new byte[240]),
        ],
        [
            .. Frames.Make(RpcFrameType.Data, 1, [], []),
            .. Frames.Make(RpcFrameType.Data, 1, [0x02, 0x0e, 0x0a], [1, 2, 3, 4, 5]),
            .. Frames.Make(RpcFrameType.Data, 1, [], [1, 2, 3, 4, 5]),
            .. Frames.Make(RpcFrameType.Data, 1, [0x02, 0x0e, 0xe9, 0x07], [1]), // 1001 bytes
            .. Frames.Make(RpcFrameType.Data, 1, [0x09], []),
        ],
    ];

    // Objects of messages and segments, and arrays that the shared pool does not have.
    public override long Budget(long inputLength) => (64 * 1024) + (16 * inputLength);

    public override void Parse(in ReadOnlySequence<byte> input)
    {
        ReadOnlySequence<byte> buffer = input;
        RpcMethodTable<string> table = new();
        RpcReceiveCredit credit = new(Window);
        using (RpcMessageAssembly assembly = new(MaxMessageLength, _pool))
        {
            while (RpcFrameReader.TryRead(ref buffer, Rules, out RpcFrame frame, out _) == RpcFrameReadStatus.Frame
                && Take(frame, table, ref credit, assembly))
            {
                // A message within the limit, whose last segment the pool may have rounded up.
                Require(_pool.Rented <= 8 * MaxMessageLength, "More memory is held than a message may take.");
                Require(credit.Held <= Window, "More is held than was granted.");
            }
        }

        Require(_pool.Rented == 0, "Memory was not given back.");
    }

    private static bool Take(in RpcFrame frame, RpcMethodTable<string> table, ref RpcReceiveCredit credit, RpcMessageAssembly assembly)
    {
        if (frame.Header.Type is not (RpcFrameType.Request or RpcFrameType.Data))
        {
            return true;
        }

        using RpcHeaderBytes bytes = new(frame.ProtocolData);
        if (RpcReceivedHeader.Read(frame.Header, bytes.Span, out RpcReceivedHeader header) != RpcHeaderError.None)
        {
            return false;
        }

        if (header.Method.IsNamed ? table.Define(header.Method.Index, "method") != RpcHeaderError.None
            : frame.Header.Type == RpcFrameType.Request && table.Find(header.Method.Index) is null)
        {
            return false;
        }

        bool isMessage = (header.Flags & RpcCallBits.NoMessage) == 0;
        long cost = RpcCredit.CostOf((int)frame.Body.Length);
        if (frame.Header.Type == RpcFrameType.Data && isMessage && !credit.TryReceive(cost))
        {
            return false;
        }

        if (!isMessage && !assembly.IsUnderWay)
        {
            return true;
        }

        RpcAssemblyResult result = assembly.Add(header, frame.Body, out RpcPooledMessage? message);
        Require((result == RpcAssemblyResult.Complete) == (message is not null), "A message that is whole, and only that, is given.");
        using (message)
        {
            Require(message is null || message.Length <= MaxMessageLength, "A message over the limit.");
            Require(message is null || message.Message.Length + message.Attachment.Length == message.Length, "Message and attachment are not all.");
        }

        // Half of the messages stay in a queue, so that the window is used up.
        if (result == RpcAssemblyResult.Complete && frame.Header.Type == RpcFrameType.Data && frame.Body.Length % 2 == 0)
        {
            credit.Release(cost);
        }

        return result <= RpcAssemblyResult.Complete;
    }
}
