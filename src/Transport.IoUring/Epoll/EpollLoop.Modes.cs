using Kestrel.Rpc.Transport.Native;

namespace Kestrel.Rpc.Transport;

/// <summary>What the options ask of the epoll set beyond the ordinary.</summary>
internal sealed unsafe partial class EpollLoop
{
    // The kernel's own default: packets of one look at the network card.
    private const ushort NetworkPollingBudget = 8;

    /// <summary>Has the kernel poll the network card in this loop's waits, if that is asked for. Whether it does.</summary>
    private bool TryPollNetwork()
    {
        if (Settings.NapiBusyPollTime == TimeSpan.Zero)
        {
            return false;
        }

        var parameters = new EpollParams
        {
            BusyPollUsecs = (uint)Settings.NapiBusyPollTime.TotalMicroseconds,
            BusyPollBudget = NetworkPollingBudget,
        };
        int result = Libc.Ioctl(Descriptor, Libc.EPIOCSPARAMS, &parameters);
        if (result < 0)
        {
            TransportLog.NetworkPollingRefused(Logger, Name, SocketErrors.Message(-result));
        }

        return result >= 0;
    }
}
