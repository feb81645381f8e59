using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Load.Tests;

/// <summary>The exchanges that carry 1 MiB.</summary>
public sealed class BulkExchangeTests
{
    private static readonly byte[] DownloadReply =
        [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {BulkBody.Length}\r\nContent-Type: application/octet-stream\r\n\r\n"), .. BulkBody.Bytes];

    [Fact]
    public void Upload_Begin_SendsOneMebibyte()
    {
        byte[] request = new ExchangeDriver(HttpExchange.Upload()).Begin();

        int head = request.Length - BulkBody.Length;
        Assert.Contains("\r\nContent-Length: 1048576\r\n", Encoding.ASCII.GetString(request.AsSpan(0, head)), StringComparison.Ordinal);
        Assert.True(request.AsSpan(head).SequenceEqual(BulkBody.Bytes));
    }

    [Theory]
    [InlineData("1048576", true)]
    [InlineData("1048575", false)]
    [InlineData("104857", false)]
    public void Upload_Reply_MustBeTheLengthSent(string body, bool right)
    {
        var driver = new ExchangeDriver(HttpExchange.Upload());
        driver.Begin();
        byte[] reply = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");

        if (right)
        {
            Assert.NotEmpty(driver.Receive(reply));
            Assert.Equal(1, driver.Tally.Replies);
        }
        else
        {
            Assert.Throws<LoadException>(() => driver.Receive(reply));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4096)]
    [InlineData(1 << 21)]
    public void Download_ReplyInPieces_IsCountedOnceAndAskedForAgain(int piece)
    {
        var driver = new ExchangeDriver(new DownloadExchange());
        byte[] request = driver.Begin();
        for (int round = 1; round <= 2; round++)
        {
            byte[] written = [];
            for (int at = 0; at < DownloadReply.Length; at += piece)
            {
                Assert.Empty(written);
                written = driver.Receive(DownloadReply.AsSpan(at, Math.Min(piece, DownloadReply.Length - at)));
            }

            Assert.Equal(request, written);
            Assert.Equal(round, driver.Tally.Replies);
        }
    }

    [Fact]
    public void Download_OneWrongByteAnywhere_Throws()
    {
        var random = new Random(1);
        for (int i = 0; i < 20; i++)
        {
            byte[] reply = [.. DownloadReply];
            reply[^random.Next(1, BulkBody.Length + 1)]++;
            var driver = new ExchangeDriver(new DownloadExchange());
            driver.Begin();

            Assert.Throws<LoadException>(() => driver.Receive(reply));
        }
    }

    [Fact]
    public void Download_MoreThanTheBody_Throws()
    {
        var driver = new ExchangeDriver(new DownloadExchange());
        driver.Begin();

        Assert.Throws<LoadException>(() => driver.Receive([.. DownloadReply, 0]));
    }
}
