using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Hello;

/// <summary>The command line of the sample.</summary>
internal sealed record Arguments(string Transport, int Port, string? Name)
{
    public const int DefaultPort = 8000;

    public const string Usage = """
        Usage:
          dotnet run --project samples/Hello [-- [--transport io_uring|epoll|sockets] [--port N]]   serve (port 8000)
          dotnet run --project samples/Hello -- call NAME [--port N]                                call the server
        Port 0 means any free one.
        """;

    /// <summary>A setting of the host, as a test of the program passes it: <c>--environment=Development</c>.</summary>
    public static bool IsHostSetting(string argument) =>
        argument.Split('=') is ["--environment" or "--contentRoot" or "--applicationName", ..];

    public static bool TryParse(string[] args, [NotNullWhen(true)] out Arguments? arguments, [NotNullWhen(false)] out string? fault)
    {
        arguments = null;
        string transport = "io_uring";
        int port = DefaultPort;
        string? name = null;
        for (int i = 0; i < args.Length; i++)
        {
            string? value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--transport" when name is null && value is "io_uring" or "epoll" or "sockets":
                    transport = value;
                    break;
                case "--port" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 0 and < 65536:
                    break;
                case "call" when value is not null && !value.StartsWith("--", StringComparison.Ordinal) && i == 0:
                    name = value;
                    break;
                default:
                    fault = $"'{args[i]}{(value is null ? "" : $" {value}")}' is not understood.";
                    return false;
            }

            i++;
        }

        arguments = new Arguments(transport, port, name);
        fault = null;
        return true;
    }

    /// <summary>What to try while the server runs.</summary>
    public string Greeting(int port)
    {
        string sockets = Transport == "sockets" ? "Kestrel's Sockets transport serves.\n" : "";
        string option = port == DefaultPort ? "" : $" --port {port}";
        return $"""
            {sockets}RPC and HTTP are on 127.0.0.1:{port}. Ctrl+C ends it. In another terminal try:
              curl http://127.0.0.1:{port}/
              dotnet run --project samples/Hello -- call world{option}
            """;
    }
}
