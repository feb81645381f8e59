using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Kestrel.Rpc.Transport.Tests.Native;

/// <summary>Asks the C compiler what the installed kernel headers say.</summary>
internal static class KernelHeaders
{
    private const string Prologue = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <linux/io_uring.h>
        #include <netinet/in.h>
        #include <netinet/tcp.h>
        #include <poll.h>
        #include <stddef.h>
        #include <stdio.h>
        #include <sys/epoll.h>
        #include <sys/eventfd.h>
        #include <sys/mman.h>
        #include <sys/socket.h>
        #include <sys/syscall.h>
        #include <sys/uio.h>
        #include <unistd.h>
        """;

    /// <summary>Evaluates integer constant expressions of C.</summary>
    public static async Task<Dictionary<string, long>> EvaluateAsync(IEnumerable<string> expressions)
    {
        var source = new StringBuilder(Prologue).AppendLine().AppendLine("int main(void) {");
        string[] all = expressions.Distinct().ToArray();
        foreach (string expression in all)
        {
            source.AppendLine(CultureInfo.InvariantCulture, $"  printf(\"%lld\\n\", (long long)({expression}));");
        }

        source.AppendLine("}");

        DirectoryInfo folder = Directory.CreateTempSubdirectory("kestrel-rpc-abi");
        try
        {
            string file = Path.Combine(folder.FullName, "abi.c");
            string program = Path.Combine(folder.FullName, "abi");
            await File.WriteAllTextAsync(file, source.ToString());
            await RunAsync("gcc", "-o", program, file);
            string[] values = (await RunAsync(program)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return all.Zip(values, (name, value) => (name, value))
                .ToDictionary(pair => pair.name, pair => long.Parse(pair.value, CultureInfo.InvariantCulture));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Skips the test where there is no compiler; in CI that is a failure.</summary>
    public static void RequireCompiler()
    {
        bool found = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "gcc")))
            && File.Exists("/usr/include/linux/io_uring.h");
        if (!found && Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail("gcc and the kernel headers are missing.");
        }

        Assert.SkipUnless(found, "gcc or the kernel headers are not installed.");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(process.ExitCode == 0, await errors);
        return await output;
    }
}
