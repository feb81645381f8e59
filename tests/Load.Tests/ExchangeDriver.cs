using System.Diagnostics;
using Kestrel.Rpc.Benchmarks.Load.Client;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>Plays the connection below an exchange: hands it replies in pieces and collects its requests.</summary>
internal sealed class ExchangeDriver(Exchange exchange)
{
    private readonly byte[] _output = new byte[exchange.MaximumOutput];
    private byte[] _kept = [];

    public Tally Tally { get; } = new();

    public byte[] Begin() => _output[..exchange.Begin(_output, Stopwatch.GetTimestamp())];

    /// <summary>Returns the requests written for the replies that became whole.</summary>
    public byte[] Receive(ReadOnlySpan<byte> bytes)
    {
        byte[] all = [.. _kept, .. bytes];
        int taken = exchange.Advance(all, _output, Stopwatch.GetTimestamp(), Tally, out int written);
        _kept = all[taken..];
        return _output[..written];
    }
}
