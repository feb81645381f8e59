using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Kestrel.Rpc.Invocation.Native;

namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>Every constant and struct of Native/ against the headers of the machine's kernel.</summary>
public sealed class AbiTests
{
    [Fact]
    public async Task Native_ComparedWithHeaders_IsEqual()
    {
        RequireCompiler();
        FieldInfo[] constants = [.. typeof(Libc).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral)];
        Assert.True(constants.Length >= 8, "Reflection found the constants.");
        Dictionary<string, long> expected = constants.ToDictionary(
            field => field.Name, field => Convert.ToInt64(field.GetRawConstantValue(), CultureInfo.InvariantCulture));
        var probe = new EpollEvent { Data = 0x0102030405060708 };
        expected["sizeof(struct epoll_event)"] = EpollEvent.Size;
        expected["offsetof(struct epoll_event, data)"] = MemoryMarshal.AsBytes(new ReadOnlySpan<EpollEvent>(in probe)).IndexOf((byte)0x08);
        expected["sizeof(eventfd_t)"] = sizeof(ulong);

        Assert.Equal(expected, await EvaluateAsync([.. expected.Keys]));
    }

    private static void RequireCompiler()
    {
        bool isThere = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, "gcc")))
            && File.Exists("/usr/include/stdlib.h");
        if (!isThere && Environment.GetEnvironmentVariable("CI") == "true")
        {
            Assert.Fail("gcc and the headers are missing.");
        }

        Assert.SkipUnless(isThere, "gcc or the headers are not installed.");
    }

    private static async Task<Dictionary<string, long>> EvaluateAsync(string[] expressions)
    {
        var source = new StringBuilder("#include <errno.h>\n#include <stddef.h>\n#include <stdio.h>\n#include <sys/epoll.h>\n#include <sys/eventfd.h>\nint main(void) {\n");
        foreach (string expression in expressions)
        {
            source.AppendLine(CultureInfo.InvariantCulture, $"  printf(\"%lld\\n\", (long long)({expression}));");
        }

        source.AppendLine("}");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("kestrel-rpc-abi");
        try
        {
            string program = Path.Combine(folder.FullName, "abi");
            await File.WriteAllTextAsync(program + ".c", source.ToString());
            await RunAsync("gcc", "-o", program, program + ".c");
            string[] values = (await RunAsync(program)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return expressions.Zip(values).ToDictionary(pair => pair.First, pair => long.Parse(pair.Second, CultureInfo.InvariantCulture));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().Limited();
        Assert.True(process.ExitCode == 0, await errors.Limited());
        return await output.Limited();
    }
}
