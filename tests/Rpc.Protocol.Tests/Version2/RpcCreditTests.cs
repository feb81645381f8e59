using FsCheck;
using FsCheck.Fluent;

namespace Kestrel.Rpc.Protocol.Tests;

public class RpcCreditTests
{
    [Fact]
    public void TryTake_EnoughOfBoth_TakesBodyAndFrameFromBoth()
    {
        RpcSendCredit call = new(1000);
        RpcSendCredit connection = new(5000);
        Assert.True(RpcCredit.TryTake(ref call, ref connection, 100, 1, out int granted));
        Assert.Equal((100, 884, 4884), (granted, call.Available, connection.Available));
    }

    [Theory]
    [InlineData(1000, 116, 200, 1, 100)] // the connection has less
    [InlineData(116, 1000, 200, 1, 100)] // the call has less
    [InlineData(116, 1000, 200, 100, 100)] // just worth a frame
    [InlineData(116, 1000, 100, 500, 100)] // all that is wanted
    [InlineData(16, 16, 0, 1, 0)] // an empty message
    [InlineData(17, 17, 9, 1, 1)]
    public void TryTake_EnoughForAPiece_GrantsIt(int call, int connection, int length, int least, int expected)
    {
        RpcSendCredit ofCall = new(call);
        RpcSendCredit ofConnection = new(connection);
        Assert.True(RpcCredit.TryTake(ref ofCall, ref ofConnection, length, least, out int granted));
        Assert.Equal(expected, granted);
        Assert.Equal(call - expected - RpcCredit.FrameCost, ofCall.Available);
        Assert.Equal(connection - expected - RpcCredit.FrameCost, ofConnection.Available);
    }

    [Theory]
    [InlineData(0, 1000, 1, 1)]
    [InlineData(16, 1000, 1, 1)] // room for no byte
    [InlineData(1000, 15, 0, 1)] // not even for an empty message
    [InlineData(115, 1000, 200, 100)] // a piece too short to be worth a frame
    public void TryTake_TooLittle_TakesNothing(int call, int connection, int length, int least)
    {
        RpcSendCredit ofCall = new(call);
        RpcSendCredit ofConnection = new(connection);
        Assert.False(RpcCredit.TryTake(ref ofCall, ref ofConnection, length, least, out int granted));
        Assert.Equal((0, call, connection), (granted, ofCall.Available, ofConnection.Available));
    }

    [Fact]
    public void TryAdd_OverTheMost_IsRefused()
    {
        RpcSendCredit credit = new(10);
        Assert.True(credit.TryAdd(int.MaxValue - 10));
        Assert.Equal(int.MaxValue, credit.Available);
        Assert.False(credit.TryAdd(1));
        Assert.False(credit.TryAdd(int.MaxValue));
        Assert.True(credit.TryAdd(0));
        Assert.Equal(int.MaxValue, credit.Available);
    }

    [Fact]
    public void Receive_BeyondTheWindow_IsRefused()
    {
        RpcReceiveCredit credit = new(100);
        Assert.True(credit.TryReceive(60));
        Assert.False(credit.TryReceive(41));
        Assert.False(credit.TryReceive(RpcCredit.CostOf(int.MaxValue)));
        Assert.True(credit.TryReceive(40));
        Assert.False(credit.TryReceive(1));
        Assert.Equal((0, 100), (credit.Available, credit.Held));
    }

    [Theory]
    [InlineData(100, 49, 50)]
    [InlineData(101, 50, 51)] // half, rounded up
    [InlineData(1, 0, 1)]
    public void Release_HalfOfTheWindow_IsGranted(int window, int tooLittle, int enough)
    {
        RpcReceiveCredit credit = new(window);
        Assert.True(credit.TryReceive(window));
        Assert.Equal(0, credit.Release(tooLittle));
        Assert.Equal(0, credit.Available);
        Assert.Equal(enough, credit.Release(enough - tooLittle));
        Assert.Equal((enough, window - enough), (credit.Available, credit.Held));
    }

    [Fact]
    public void Release_MoreThanIsHeld_Throws()
    {
        RpcReceiveCredit credit = new(100);
        credit.TryReceive(10);
        Assert.Throws<ArgumentOutOfRangeException>(() => credit.Release(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => credit.Release(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => credit.TryReceive(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcReceiveCredit(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RpcSendCredit(-1));
    }

    /// <summary>
    /// A sender and a receiver with any windows and any messages: the sender never runs over, never waits for ever, and the receiver
    /// never holds more than its window.
    /// </summary>
    [Fact]
    public void AnyMessages_SentAndTaken_ArriveWithinTheWindow()
    {
        var cases =
            from window in Gen.Choose(64, 2000)
            from connectionWindow in Gen.Choose(64, 4000)
            from least in Gen.Choose(1, 16)
            from messages in Gen.Choose(0, 5000).ListOf()
            from takes in Gen.Choose(0, 3).ListOf(10)
            select (window, connectionWindow, least, messages: messages.ToArray(), takes: takes.ToArray());
        Prop.ForAll(cases.ToArbitrary(), input =>
        {
            RpcSendCredit call = new(input.window);
            RpcSendCredit connection = new(input.connectionWindow);
            RpcReceiveCredit receivedOfCall = new(input.window);
            RpcReceiveCredit receivedOfConnection = new(input.connectionWindow);
            Queue<long> held = new();
            int step = 0;
            foreach (int message in input.messages)
            {
                int left = message;
                bool isFirst = true;
                while (left > 0 || isFirst)
                {
                    if (RpcCredit.TryTake(ref call, ref connection, left, input.least, out int granted))
                    {
                        long cost = RpcCredit.CostOf(granted);
                        if (!receivedOfCall.TryReceive(cost) || !receivedOfConnection.TryReceive(cost))
                        {
                            return false; // the sender ran over
                        }

                        held.Enqueue(cost);
                        left -= granted;
                        isFirst = false;
                    }
                    else if (held.Count == 0)
                    {
                        return false; // both would wait for ever
                    }

                    for (int take = input.takes[step++ % input.takes.Length]; take > 0 && held.Count > 0; take--)
                    {
                        Give(held.Dequeue());
                    }

                    if (call.Available + receivedOfCall.Held > input.window || connection.Available + receivedOfConnection.Held > input.connectionWindow)
                    {
                        return false;
                    }

                    // The application takes in the end what it has been given.
                    if (step % 7 == 0 && held.Count > 0)
                    {
                        Give(held.Dequeue());
                    }
                }
            }

            return call.Available == receivedOfCall.Available && connection.Available == receivedOfConnection.Available;

            void Give(long cost)
            {
                Assert.True(call.TryAdd(receivedOfCall.Release(cost)));
                Assert.True(connection.TryAdd(receivedOfConnection.Release(cost)));
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }
}
