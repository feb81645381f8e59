using System.Buffers;
using Kestrel.Rpc.Protocol.Tests.Fuzz;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>The detection of protocols under fuzzing.</summary>
public sealed class DetectionFuzz
{
    [Fact]
    public async Task AnyFirstBytes_HoweverTheyArrive_AreOneProtocolOrNone() => await FuzzRun.ForTheTimeAllowedAsync(new DetectionTarget(new PreciseText()));

    [Fact]
    public async Task ProtocolThatTakesAPartForTheWhole_IsFound() =>
        Assert.Contains(
            "where all of them are",
            (await Assert.ThrowsAsync<FuzzException>(() => FuzzRun.ForInputsAsync(new DetectionTarget(new HastyText()), 200_000))).Message,
            StringComparison.Ordinal);

    /// <summary>The table of an end point: what is decided for some of the bytes holds for all of them, and is what the bytes say.</summary>
    private sealed class DetectionTarget : FuzzTarget
    {
        private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

        private readonly PortProtocol _native = new NativePortProtocol(null!, null!);
        private readonly PortProtocol _text;
        private readonly PortProtocol _http2 = new Http2PortProtocol(null!, null!, null!);
        private readonly PortProtocol _tls = new TlsPortProtocol(null, null!);
        private readonly PortProtocol _http = new HttpPortProtocol(null!);
        private readonly ProtocolTable _table;

        public DetectionTarget(IRpcProtocol text)
        {
            _text = new PluggedPortProtocol(null!, null!, text);
            _table = new ProtocolTable(_native, _text, _http2, _tls, _http);
        }

        public override IReadOnlyList<byte[]> Corpus { get; } =
        [
            [0x12, 0x34, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            [0x12, 0x34, 2, 8, 0, 0, 0, 0],
            Preface,
            [0x16, 0x03, 0x01, 0x02, 0x00, 0x01],
            "PROXY\r\n"u8.ToArray(),
            "PRI * HTTP/1.1\r\n"u8.ToArray(),
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(),
            "POST /"u8.ToArray(),
        ];

        // For the runtime's own tables, which grow on whichever thread needs them; nothing that grows with the input.
        public override long Budget(long inputLength) => 16 * 1024;

        public override void Parse(in ReadOnlySequence<byte> input)
        {
            bool isSettled = _table.TryFind(input, isAll: false, out PortProtocol? whole);
            Require(isSettled || input.Length < ProtocolTable.MostBytes, "More is wanted after the bytes that must be enough.");
            Require(input.IsEmpty || !isSettled || whole == Expected(input), "The protocol is not what the bytes say.");
            long most = Math.Min(input.Length, ProtocolTable.MostBytes + 1);
            for (int length = 1; length < most; length++)
            {
                bool isEarly = _table.TryFind(input.Slice(0, length), isAll: false, out PortProtocol? found);
                Require(!isEarly || (isSettled && found == whole), "Some of the bytes are settled otherwise, or sooner, than where all of them are.");
            }

            Require(input.IsEmpty || (_table.TryFind(input, isAll: true, out PortProtocol? last) && last is not null), "At the end somebody has to take it.");
        }

        private PortProtocol Expected(in ReadOnlySequence<byte> input)
        {
            Span<byte> start = stackalloc byte[32];
            start = start[..(int)Math.Min(input.Length, start.Length)];
            input.Slice(0, start.Length).CopyTo(start);
            return start.StartsWith((ReadOnlySpan<byte>)[0x12, 0x34]) ? _native
                : start.StartsWith("PROXY"u8) ? _text
                : start.StartsWith(Preface) ? _http2
                : start.StartsWith((ReadOnlySpan<byte>)[0x16, 0x03]) ? _tls
                : _http;
        }
    }

    private sealed class PreciseText : IRpcProtocol
    {
        public string Name => "text";

        public RpcProtocolMatch Detect(in ReadOnlySequence<byte> start)
        {
            Span<byte> found = stackalloc byte[(int)Math.Min(start.Length, 5)];
            start.Slice(0, found.Length).CopyTo(found);
            return !"PROXY"u8.StartsWith(found) ? RpcProtocolMatch.No : found.Length == 5 ? RpcProtocolMatch.Yes : RpcProtocolMatch.NeedMore;
        }

        public IRpcProtocolSession Open(IRpcProtocolServer server) => throw new NotSupportedException();
    }

    private sealed class HastyText : IRpcProtocol
    {
        public string Name => "hasty";

        public RpcProtocolMatch Detect(in ReadOnlySequence<byte> start) =>
            start.Length < 5 && start.FirstSpan.IndexOf((byte)'P') == 0 ? RpcProtocolMatch.Yes : RpcProtocolMatch.No;

        public IRpcProtocolSession Open(IRpcProtocolServer server) => throw new NotSupportedException();
    }
}
