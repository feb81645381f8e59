using Kestrel.Rpc.Benchmarks.Load.Client.Exchanges;
using Kestrel.Rpc.Benchmarks.Load.Measure;

namespace Kestrel.Rpc.Load.Tests;

public sealed class EchoExchangeTests
{
    [Fact]
    public void Advance_EchoSplitAnywhere_SendsTheNextMessageOnce()
    {
        for (int split = 0; split < EchoExchange.MessageSize; split++)
        {
            var driver = new ExchangeDriver(new EchoExchange(connection: 7));
            byte[] first = driver.Begin();
            byte[][] answers = [driver.Receive(first.AsSpan(0, split)), driver.Receive(first.AsSpan(split))];

            byte[] next = Assert.Single(answers, answer => answer.Length > 0);
            Assert.Equal(EchoExchange.MessageSize, next.Length);
            Assert.NotEqual(first, next);
            Assert.Equal(1, driver.Tally.Replies);
        }
    }

    [Fact]
    public void Advance_EchoOfTheMessageBefore_Throws()
    {
        var driver = new ExchangeDriver(new EchoExchange(connection: 7));
        byte[] first = driver.Begin();
        driver.Receive(first);

        Assert.Throws<LoadException>(() => driver.Receive(first));
    }

    [Fact]
    public void Advance_MoreThanWasSent_Throws()
    {
        var driver = new ExchangeDriver(new EchoExchange(connection: 7));
        byte[] first = driver.Begin();

        Assert.Throws<LoadException>(() => driver.Receive([.. first, 0]));
    }
}
