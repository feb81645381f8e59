using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Generated sequences against our output and a <see cref="Pipe"/>'s writer: both must look the same to an application.</summary>
public sealed class OutputEquivalenceTests
{
    private const int PauseThreshold = 20_000;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 300)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Writer_GeneratedSequence_BehavesAsPipe(int seed)
    {
        using var loop = new IdleLoop();
        var random = new Random(seed);
        var pair = new SideBySide<Writer>(new OurWriter(loop), new PipeWriterUnderTest());
        for (int i = 0; i < 200; i++)
        {
            Step(pair, random);
        }
    }

    private static void Step(SideBySide<Writer> pair, Random random)
    {
        int size = random.Next(4) switch { 0 => 0, 1 => random.Next(1, 100), 2 => random.Next(1, 5000), _ => random.Next(1, 15_000) };
        switch (random.Next(100))
        {
            case < 30:
                pair.Do($"write {size}", writer => writer.Write(size));
                break;
            case < 35:
                pair.Do($"write async {size}", writer => writer.WriteAsync(size));
                break;
            case < 37:
                pair.Do("advance too far", writer => writer.AdvanceTooFar());
                break;
            case < 39:
                pair.Do("negative hint", writer => writer.NegativeHint());
                break;
            case < 64:
                pair.Do("flush", writer => writer.Flush(CancellationToken.None));
                break;
            case < 88:
                pair.Do("send", writer => writer.Send());
                break;
            case < 92:
                pair.Do("cancel", writer => writer.Cancel());
                break;
            case < 94:
                pair.Do("flush token", writer => writer.FlushWithToken());
                break;
            case < 95:
                pair.Do("fire", writer => writer.FireToken());
                break;
            case < 97:
                bool fails = random.Next(2) == 0;
                pair.Do($"end {fails}", writer => writer.End(fails ? new IOException("end") : null));
                break;
            case < 98 when random.Next(2) == 0:
                pair.Do("complete", writer => writer.Complete());
                break;
        }

        pair.Do("look", writer => writer.Look());
    }

    /// <summary>The application's side with everything that can be seen of it, and what arrives at the transport.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing.")]
    private abstract class Writer
    {
        private readonly CancellationTokenSource _source = new();
        private Task<FlushResult>? _pending;
        private byte _next;

        protected abstract PipeWriter Output { get; }

        public string Write(int size)
        {
            Output.Write(Bytes(size));
            return $"unflushed {Output.UnflushedBytes}";
        }

        public string WriteAsync(int size) => Wait(() => Output.WriteAsync(Bytes(size)));

        public string AdvanceTooFar()
        {
            Output.Advance(Output.GetMemory().Length + 1);
            return "advanced";
        }

        public string NegativeHint() => $"{Output.GetSpan(-1).Length}";

        public string Flush(CancellationToken token) => Wait(() => Output.FlushAsync(token));

        public string FlushWithToken() => Flush(_source.Token);

        public string FireToken()
        {
            _source.Cancel();
            return "fired";
        }

        public string Cancel()
        {
            Output.CancelPendingFlush();
            return "cancelled";
        }

        public string Complete()
        {
            Output.Complete();
            return "completed";
        }

        public abstract string Send();

        public abstract string End(Exception? error);

        public string Look()
        {
            if (_pending is not { IsCompleted: true } flush)
            {
                return $"{(_pending is null ? "idle" : "waiting")}, unflushed {Output.UnflushedBytes}";
            }

            _pending = null;
            return $"woke: {Tell(flush.GetAwaiter().GetResult())}";
        }

        protected static string Tell(ReadOnlySequence<byte> sent)
        {
            var hash = new HashCode();
            hash.AddBytes(sent.ToArray());
            return $"{sent.Length} bytes #{hash.ToHashCode():x}";
        }

        private static string Tell(FlushResult result) => $"canceled {result.IsCanceled} completed {result.IsCompleted}";

        private string Wait(Func<ValueTask<FlushResult>> start)
        {
            if (_pending is not null)
            {
                return "already waits";
            }

            Task<FlushResult> flush = start().AsTask();
            if (flush.IsCompleted)
            {
                return Tell(flush.GetAwaiter().GetResult());
            }

            _pending = flush;
            return "waits";
        }

        private byte[] Bytes(int size)
        {
            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++)
            {
                bytes[i] = _next++;
            }

            return bytes;
        }
    }

    private sealed class OurWriter(IdleLoop loop) : Writer
    {
        private readonly ConnectionOutput _output = new(loop, new EpollSocket(null!, descriptor: -1), PipeScheduler.Inline, PauseThreshold); // the socket is never used: the loop never sleeps
        private bool _ended;

        protected override PipeWriter Output => _output;

        public override string Send()
        {
            if (_ended || !_output.TryTakeOnLoop(out ReadOnlySequence<byte> buffer, out _, out _))
            {
                return "nothing";
            }

            string told = Tell(buffer);
            if (!buffer.IsEmpty)
            {
                _output.SentOnLoop(buffer.End);
            }

            return told;
        }

        public override string End(Exception? error)
        {
            _ended = true;
            _output.CompleteByTransport(error);
            return "ended";
        }
    }

    private sealed class PipeWriterUnderTest : Writer
    {
        private readonly Pipe _pipe = new(new PipeOptions(
            MemoryPool<byte>.Shared, PipeScheduler.Inline, PipeScheduler.Inline, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));

        private bool _ended;

        protected override PipeWriter Output => _pipe.Writer;

        public override string Send()
        {
            if (_ended || !_pipe.Reader.TryRead(out ReadResult result))
            {
                return "nothing";
            }

            string told = Tell(result.Buffer);
            _pipe.Reader.AdvanceTo(result.Buffer.End);
            return told;
        }

        public override string End(Exception? error)
        {
            _ended = true;
            _pipe.Reader.Complete(error);
            return "ended";
        }
    }
}
