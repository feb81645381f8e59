using System.ComponentModel;
using System.Globalization;
using Kestrel.Rpc.Benchmarks.Load.Native;

namespace Kestrel.Rpc.Benchmarks.Load.Measure;

/// <summary>Reads what another process has used so far, from outside and at no cost to it.</summary>
internal static class ProcessProbe
{
    /// <summary>/proc counts CPU time in hundredths of a second on every architecture Linux offers to programs (USER_HZ).</summary>
    private const double TicksPerSecond = 100;

    /// <summary>
    /// User and system time of all threads, from the process's CPU clock. It is what utime + stime of /proc/PID/stat add up to, in
    /// nanoseconds instead of hundredths of a second. Seconds.
    /// </summary>
    public static unsafe double CpuSeconds(int pid)
    {
        int clock;
        int error = Libc.clock_getcpuclockid(pid, &clock);
        if (error != 0)
        {
            throw new Win32Exception(error, $"process {pid} has no CPU clock");
        }

        Libc.Timespec time;
        if (Libc.clock_gettime(clock, &time) < 0)
        {
            throw new Win32Exception();
        }

        return time.Seconds + (time.Nanoseconds * 1e-9);
    }

    /// <summary>The share of user code in the CPU time, from /proc/PID/stat. Seconds.</summary>
    public static double UserSeconds(int pid)
    {
        string line = File.ReadAllText($"/proc/{pid}/stat");

        // pid (name) state ppid ... : the name may hold blanks and brackets; utime is the 12th field behind it.
        string[] fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) / TicksPerSecond;
    }

    /// <summary>Resident memory. Bytes.</summary>
    public static long ResidentBytes(int pid)
    {
        string line = File.ReadLines($"/proc/{pid}/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(words[1], CultureInfo.InvariantCulture) * 1024;
    }

    /// <summary>The time a core was not idle, whoever used it, time stolen by the host included. Seconds.</summary>
    public static double CoreBusySeconds(int core)
    {
        string name = $"cpu{core} ";
        string line = File.ReadLines("/proc/stat").First(text => text.StartsWith(name, StringComparison.Ordinal));

        // cpuN user nice system idle iowait irq softirq steal
        long[] ticks = [.. line.Split(' ').Skip(1).Take(8).Select(text => long.Parse(text, CultureInfo.InvariantCulture))];
        return (ticks.Sum() - ticks[3] - ticks[4]) / TicksPerSecond;
    }
}
