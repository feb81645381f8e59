using System.Globalization;
using System.Text;
using Google.Protobuf;
using Hello;

namespace Kestrel.Rpc.Middleware.Tests;

internal sealed record TextReply(string Line, byte[] Body)
{
    public string[] Words => Line.Split(' ');

    public ulong Id => ulong.Parse(Words[1], CultureInfo.InvariantCulture);

    public string Msg => HelloReply.Parser.ParseFrom(Body).Msg;

    public string Error => Encoding.UTF8.GetString(Body);
}

/// <summary>A client of <see cref="TextProtocol"/>.</summary>
internal static class TextPeer
{
    public static byte[] Hello(ulong id, string msg, string more = "", string name = Golden.Name) =>
        TextProtocol.Call(id, name, new HelloRequest { Msg = msg }.ToByteArray(), more);

    public static async Task<TextReply> ReceiveTextAsync(this RawPeer peer)
    {
        StringBuilder line = new();
        while (true)
        {
            byte next = await peer.TryReceiveByteAsync() ?? throw new EndOfStreamException($"The server closed the connection after '{line}'.");
            if (next == '\n')
            {
                break;
            }

            line.Append((char)next);
        }

        string[] words = line.ToString().Split(' ');
        int length = words[0] switch
        {
            "OK" => int.Parse(words[2], CultureInfo.InvariantCulture),
            "ERR" => int.Parse(words[3], CultureInfo.InvariantCulture),
            _ => 0,
        };
        return new TextReply(line.ToString(), length == 0 ? [] : await peer.ReceiveExactlyAsync(length));
    }
}
