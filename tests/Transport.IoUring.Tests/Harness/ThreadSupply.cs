using System.ComponentModel;

namespace Kestrel.Rpc.Transport.Tests;

/// <summary>Takes this process the right to new threads, and gives it back. Only in a child process, which ends up as an unprivileged user.</summary>
internal static class ThreadSupply
{
    private const int Nobody = 65534;

    private static ulong s_allowed;

    /// <summary>From here on the kernel refuses threads as it does at a user's limit: EAGAIN.</summary>
    public static void Stop()
    {
        if (Posix.geteuid() == 0)
        {
            BecomeNobody(); // the limit does not bind root
        }

        Posix.Check(Posix.getrlimit(Posix.RLIMIT_NPROC, out Posix.Limit limit));
        s_allowed = limit.Soft;
        limit.Soft = 1;
        Posix.Check(Posix.setrlimit(Posix.RLIMIT_NPROC, limit));
        Assert.ThrowsAny<Exception>(() => new Thread(() => { }).Start());
    }

    /// <summary>The kernel gives threads again.</summary>
    public static void Resume()
    {
        Posix.Check(Posix.getrlimit(Posix.RLIMIT_NPROC, out Posix.Limit limit));
        limit.Soft = s_allowed;
        Posix.Check(Posix.setrlimit(Posix.RLIMIT_NPROC, limit));
        var thread = new Thread(() => { });
        thread.Start();
        Assert.True(thread.Join(TimeLimit.Current));
    }

    private static void BecomeNobody()
    {
        try
        {
            Posix.Check(Posix.setresuid(Nobody, Nobody, Nobody));
        }
        catch (Win32Exception e)
        {
            // A container that forbids it: root without the right to be anybody else.
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", $"Threads cannot be refused to this user: {e.Message}");
            throw;
        }
    }
}
