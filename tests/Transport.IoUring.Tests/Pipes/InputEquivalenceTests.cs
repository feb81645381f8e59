using System.Buffers;
using System.IO.Pipelines;

namespace Kestrel.Rpc.Transport.Tests.Pipes;

/// <summary>Generated sequences against our input and a <see cref="Pipe"/>'s reader: both must look the same to an application.</summary>
public sealed class InputEquivalenceTests
{
    private const int PauseThreshold = 20_000;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 300)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Reader_GeneratedSequence_BehavesAsPipe(int seed)
    {
        using var loop = new IdleLoop();
        var random = new Random(seed);
        var pair = new SideBySide<Reader>(new OurReader(loop), new PipeReaderUnderTest());
        for (int i = 0; i < 200; i++)
        {
            Step(pair, random);
        }
    }

    private static void Step(SideBySide<Reader> pair, Random random)
    {
        int size = random.Next(4) switch { 0 => 0, 1 => random.Next(1, 100), 2 => random.Next(1, 5000), _ => random.Next(1, 15_000) };
        double consumed = random.Next(3) / 2.0;
        double examined = random.Next(3) / 2.0;
        switch (random.Next(100))
        {
            case < 30:
                pair.Do($"write {size}", reader => reader.Write(size));
                break;
            case < 55:
                pair.Do("read", reader => reader.Read(CancellationToken.None));
                break;
            case < 60:
                pair.Do("try", reader => reader.TryRead());
                break;
            case < 88:
                pair.Do($"advance {consumed} {examined}", reader => reader.Advance(consumed, examined));
                break;
            case < 92:
                pair.Do("cancel", reader => reader.Cancel());
                break;
            case < 94:
                pair.Do("read canceled", reader => reader.Read(new CancellationToken(canceled: true)));
                break;
            case < 96:
                pair.Do("read token", reader => reader.ReadWithToken());
                break;
            case < 97:
                pair.Do("fire", reader => reader.FireToken());
                break;
            case < 98:
                bool fails = random.Next(2) == 0;
                pair.Do($"end {fails}", reader => reader.End(fails ? new IOException("end") : null));
                break;
            case < 99 when random.Next(4) == 0:
                pair.Do("complete", reader => reader.Complete());
                break;
        }

        pair.Do("look", reader => reader.Look());
    }

    /// <summary>The application's side with everything that can be seen of it.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing.")]
    private abstract class Reader
    {
        private readonly CancellationTokenSource _source = new();
        private Task<ReadResult>? _pending;
        private ReadOnlySequence<byte> _buffer;
        private byte _next;
        private bool _ended;

        protected abstract PipeReader Input { get; }

        public string Write(int size)
        {
            if (_ended || !CanWrite)
            {
                return "may not";
            }

            byte[] bytes = new byte[size];
            for (int i = 0; i < size; i++)
            {
                bytes[i] = _next++;
            }

            return WriteCore(bytes) ? "goes on" : "pauses";
        }

        public string Read(CancellationToken token)
        {
            if (_pending is not null)
            {
                return "already waits";
            }

            Task<ReadResult> read = Input.ReadAsync(token).AsTask();
            if (!read.IsCompleted)
            {
                _pending = read;
                return "waits";
            }

            return Take(read.GetAwaiter().GetResult());
        }

        public string ReadWithToken() => Read(_source.Token);

        public string FireToken()
        {
            _source.Cancel();
            return "fired";
        }

        public string TryRead() => _pending is null ? Input.TryRead(out ReadResult result) ? Take(result) : "nothing" : "already waits";

        public string Advance(double consumed, double examined)
        {
            Input.AdvanceTo(_buffer.GetPosition((long)(_buffer.Length * consumed)), _buffer.GetPosition((long)(_buffer.Length * examined)));
            _buffer = default;
            return "advanced";
        }

        public string Cancel()
        {
            Input.CancelPendingRead();
            return "cancelled";
        }

        public string Complete()
        {
            Input.Complete();
            _buffer = default;
            return "completed";
        }

        public string End(Exception? error)
        {
            _ended = true;
            EndCore(error);
            return "ended";
        }

        public string Look()
        {
            string transport = CanWrite ? "open" : "paused";
            if (_pending is not { IsCompleted: true } read)
            {
                return $"{transport}, {(_pending is null ? "idle" : "waiting")}";
            }

            _pending = null;
            return $"{transport}, woke: {Take(read.GetAwaiter().GetResult())}";
        }

        protected abstract bool CanWrite { get; }

        protected abstract bool WriteCore(byte[] bytes);

        protected abstract void EndCore(Exception? error);

        private string Take(ReadResult result)
        {
            _buffer = result.Buffer;
            var hash = new HashCode();
            hash.AddBytes(result.Buffer.ToArray());
            return $"{result.Buffer.Length} bytes #{hash.ToHashCode():x} canceled {result.IsCanceled} completed {result.IsCompleted}";
        }
    }

    private sealed class OurReader(IdleLoop loop) : Reader
    {
        private readonly ConnectionInput _input = new(loop, PipeScheduler.Inline, PauseThreshold);

        protected override PipeReader Input => _input;

        protected override bool CanWrite => !_input.IsPaused;

        protected override void EndCore(Exception? error) => _input.CompleteByTransport(error);

        protected override bool WriteCore(byte[] bytes)
        {
            _input.Write(bytes);
            return _input.CommitOnLoop();
        }
    }

    private sealed class PipeReaderUnderTest : Reader
    {
        private readonly Pipe _pipe = new(new PipeOptions(
            MemoryPool<byte>.Shared, PipeScheduler.Inline, PipeScheduler.Inline, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));

        private Task<FlushResult>? _flush;

        protected override PipeReader Input => _pipe.Reader;

        protected override bool CanWrite => _flush is not { IsCompleted: false };

        protected override void EndCore(Exception? error) => _pipe.Writer.Complete(error);

        protected override bool WriteCore(byte[] bytes)
        {
            _pipe.Writer.Write(bytes);
            _flush = _pipe.Writer.FlushAsync().AsTask();
            return _flush.IsCompleted;
        }
    }
}
