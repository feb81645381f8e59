using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class HttpExchangeTests
{
    private const string Reply =
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n\r\nHello, World!";

    [Fact]
    public void Begin_Request_IsAGet()
    {
        string request = Encoding.ASCII.GetString(Driver().Begin());

        Assert.StartsWith("GET /plaintext HTTP/1.1\r\nHost: ", request, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public void Advance_RepliesSplitAnywhere_AreCountedOnce()
    {
        byte[] reply = Encoding.ASCII.GetBytes(Reply);
        for (int split = 0; split < reply.Length; split++)
        {
            ExchangeDriver driver = Driver();
            byte[] request = driver.Begin();
            for (int round = 1; round <= 2; round++)
            {
                Assert.Empty(driver.Receive(reply.AsSpan(0, split)));
                Assert.Equal(request, driver.Receive(reply.AsSpan(split)));
                Assert.Equal(round, driver.Tally.Replies);
            }
        }
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK", "HTTP/1.1 500 No")]
    [InlineData("Hello, World!", "Hello, Earth!")]
    [InlineData("Content-Length: 13", "Content-Length: 12")]
    [InlineData("Content-Length: 13", "Transfer-Encoding: chunked")]
    public void Advance_AnotherReply_Throws(string right, string wrong)
    {
        byte[] reply = Encoding.ASCII.GetBytes(Reply.Replace(right, wrong, StringComparison.Ordinal));

        ExchangeDriver first = Driver();
        first.Begin();
        Assert.Throws<LoadException>(() => first.Receive(reply));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK", "HTTP/1.1 500 No")]
    [InlineData("Hello, World!", "Hello, Earth!")]
    [InlineData("Hello, World!", "Hello, World!!")]
    public void Advance_AnotherReplyAfterAGoodOne_Throws(string right, string wrong)
    {
        ExchangeDriver driver = Driver();
        driver.Begin();
        driver.Receive(Encoding.ASCII.GetBytes(Reply));

        Assert.Throws<LoadException>(() => driver.Receive(Encoding.ASCII.GetBytes(Reply.Replace(right, wrong, StringComparison.Ordinal))));
    }

    private static ExchangeDriver Driver() => new(HttpExchange.Plaintext());
}
