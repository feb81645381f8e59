using Kestrel.Rpc.Transport.Native;
using static Kestrel.Rpc.Transport.Native.IoUringConstants;

namespace Kestrel.Rpc.Transport;

/// <summary>What the options ask of the ring beyond the ordinary, and what comes of it where the kernel refuses.</summary>
internal sealed unsafe partial class IoUringLoop
{
    private Ring CreateRing()
    {
        var plain = new RingRequest
        {
            AllowedFlags = _options.AllowedRingFlags,
            AnnouncesCompletions = Settings.SpinTime != TimeSpan.Zero,
        };
        SubmissionPollingOptions polling = _options.SubmissionPolling;
        if (!polling.Enabled)
        {
            return RingSetup.Create(plain);
        }

        try
        {
            return RingSetup.Create(plain with
            {
                SubmissionPolling = polling.IdleTime,
                SubmissionProcessor = polling.Processors.Count == 0 ? null : polling.Processors[Index % polling.Processors.Count],
            });
        }
        catch (PlatformNotSupportedException refusal) when (_options.Fallback != IoUringFallback.Fail)
        {
            Ring ring = RingSetup.Create(plain); // no io_uring at all: the caller says so
            TransportLog.SubmissionPollingRefused(Logger, Name, refusal.Message);
            return ring;
        }
    }

    /// <summary>Has the kernel poll the network card before this loop's waits, if that is asked for. Whether it does.</summary>
    private bool TryPollNetwork()
    {
        if (Settings.NapiBusyPollTime == TimeSpan.Zero)
        {
            return false;
        }

        var napi = new IoUringNapi { BusyPollTo = (uint)Settings.NapiBusyPollTime.TotalMicroseconds };
        int result = Libc.IoUringRegister(_ring!.Descriptor, IORING_REGISTER_NAPI, &napi, 1);
        if (result < 0)
        {
            TransportLog.NetworkPollingRefused(Logger, Name, SocketErrors.Message(-result));
        }

        return result >= 0;
    }
}
