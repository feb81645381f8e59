namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Values that the polling options take and refuse.</summary>
public sealed class PollingOptionsTests
{
    [Fact]
    public void Defaults_PollNothing()
    {
        var options = new IoUringTransportOptions();

        OptionsCheck.Validate(options);

        Assert.Equal(TimeSpan.Zero, options.Polling.SpinTime);
        Assert.Equal(TimeSpan.Zero, options.Polling.NapiBusyPollTime);
        Assert.False(options.SubmissionPolling.Enabled);
        Assert.Empty(options.LoopProcessors);
        Assert.Empty(options.SubmissionPolling.Processors);
    }

    [Theory]
    [InlineData("00:00:00", true)]
    [InlineData("00:00:00.0000001", true)]
    [InlineData("00:01:00", true)]
    [InlineData("-00:00:00.0010000", true)] // Timeout.InfiniteTimeSpan
    [InlineData("-00:00:01", false)]
    [InlineData("00:01:00.0000001", false)]
    public void SpinTime_Checked(string time, bool valid) =>
        Check(valid, "Polling.SpinTime", options => options.Polling.SpinTime = TimeSpan.Parse(time, null));

    [Theory]
    [InlineData("00:00:00.0000010", true)]
    [InlineData("00:00:01", true)]
    [InlineData("00:00:00.0000005", false)]
    [InlineData("00:00:01.0000010", false)]
    [InlineData("-00:00:00.0010000", false)]
    public void NapiBusyPollTime_Checked(string time, bool valid) =>
        Check(valid, "Polling.NapiBusyPollTime", options => options.Polling.NapiBusyPollTime = TimeSpan.Parse(time, null));

    [Theory]
    [InlineData("00:00:00.0010000", true)]
    [InlineData("00:01:00", true)]
    [InlineData("00:00:00", false)]
    [InlineData("00:00:00.0005000", false)]
    [InlineData("00:01:00.0010000", false)]
    public void IdleTime_Checked(string time, bool valid) =>
        Check(valid, "SubmissionPolling.IdleTime", options => options.SubmissionPolling.IdleTime = TimeSpan.Parse(time, null));

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void NapiBusyPollTime_LoopsThatNeverWait_NeedTheKernelThread(bool submissionPolling, bool valid) =>
        Check(valid, "Polling.NapiBusyPollTime", options =>
        {
            options.Polling.SpinTime = Timeout.InfiniteTimeSpan;
            options.Polling.NapiBusyPollTime = TimeSpan.FromMicroseconds(50);
            options.SubmissionPolling.Enabled = submissionPolling;
        });

    private static void Check(bool valid, string option, Action<IoUringTransportOptions> set)
    {
        var options = new IoUringTransportOptions();
        set(options);
        if (valid)
        {
            OptionsCheck.Validate(options);
        }
        else
        {
            Assert.Equal(option, Assert.Throws<ArgumentOutOfRangeException>(() => OptionsCheck.Validate(options)).ParamName);
        }
    }
}
