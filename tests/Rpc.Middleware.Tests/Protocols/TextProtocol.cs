using System.Buffers;
using System.Globalization;
using System.Text;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>
/// A protocol as an application might bring one: lines of text with a length, and as many bytes behind them.
/// <code>
/// TXT {id} {service/method} {length} [{key}={value}]...\n{request}     timeout= in milliseconds, oneway=1, attachment= its last bytes; other keys are metadata
/// OK {id} {length} [{key}={value}]...\n{reply}                         ERR {id} {code} {length}\n{message}
/// TXT PING {number}\n                                                  PONG {number}\n
/// TXT BYE\n                                                            ends the connection
/// TXT RESPONSE\n                                                       an answer, which nobody has asked for
/// </code>
/// </summary>
internal sealed class TextProtocol : IRpcProtocol
{
    public string Name => "text";

    public RpcProtocolMatch Detect(in ReadOnlySequence<byte> start)
    {
        byte[] first = start.Slice(0, Math.Min(4, start.Length)).ToArray();
        return !"TXT "u8.StartsWith(first) ? RpcProtocolMatch.No : first.Length < 4 ? RpcProtocolMatch.NeedMore : RpcProtocolMatch.Yes;
    }

    public IRpcProtocolSession Open(IRpcProtocolServer server) => new Session(server);

    public static byte[] Call(ulong id, string name, byte[] body, string more = "") =>
        [.. Encoding.UTF8.GetBytes($"TXT {id} {name} {body.Length}{more}\n"), .. body];

    private sealed class Session(IRpcProtocolServer server) : IRpcProtocolSession
    {
        private const int LongestLine = 256;

        public RpcParseStatus TryParse(ref ReadOnlySequence<byte> buffer, out RpcProtocolMessage message)
        {
            message = default;
            SequenceReader<byte> reader = new(buffer);
            if (!reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n') || line.Length > LongestLine)
            {
                return buffer.Length <= LongestLine ? RpcParseStatus.NeedMore : Invalid("A line is too long.", out message);
            }

            string[] words = Words(line);
            if (words is not ["TXT", _, ..])
            {
                return Invalid("A line that does not begin with TXT.", out message);
            }

            int length = 0;
            if (words.Length > 3 && (!int.TryParse(words[3], NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > server.Limits.MaxBodyLength))
            {
                return Invalid("A length that is none, or over the limit.", out message);
            }

            if (reader.Remaining < length)
            {
                return RpcParseStatus.NeedMore;
            }

            message = new RpcProtocolMessage { Meta = line, Body = reader.UnreadSequence.Slice(0, length), IsResponse = words[1] == "RESPONSE" };
            buffer = reader.UnreadSequence.Slice(length);
            return RpcParseStatus.Message;
        }

        public bool ProcessRequest(in RpcProtocolMessage message)
        {
            string[] words = Words(message.Meta);
            if (words is ["TXT", "PING", _])
            {
                server.Send(output => output.Write(Encoding.UTF8.GetBytes($"PONG {words[2]}\n")));
                return true;
            }

            if (words is not ["TXT", _, _, _, ..] || !ulong.TryParse(words[1], out ulong id))
            {
                return false;
            }

            RpcMetadata metadata = [];
            TimeSpan? timeout = null;
            bool isOneWay = false;
            int attachment = 0;
            foreach (string[] pair in words[4..].Select(word => word.Split('=', 2)))
            {
                switch (pair[0])
                {
                    case "timeout":
                        timeout = TimeSpan.FromMilliseconds(int.Parse(pair[1], CultureInfo.InvariantCulture));
                        break;
                    case "oneway":
                        isOneWay = true;
                        break;
                    case "attachment":
                        attachment = int.Parse(pair[1], CultureInfo.InvariantCulture);
                        break;
                    case "throw":
                        throw new InvalidDataException("The protocol is broken.");
                    default:
                        metadata.Add(pair[0], pair[1]);
                        break;
                }
            }

            RpcProtocolRequest request = new()
            {
                Id = id,
                Method = Encoding.UTF8.GetBytes(words[2]),
                Body = message.Body.Slice(0, message.Body.Length - attachment),
                Attachment = message.Body.Slice(message.Body.Length - attachment),
                Metadata = metadata,
                Timeout = timeout,
                IsOneWay = isOneWay,
                State = metadata.GetValue("state"),
            };
            if (metadata.GetValue("refuse") is { } reason)
            {
                server.Refuse(request, new RpcStatus(RpcStatusCode.FailedPrecondition, reason));
            }
            else
            {
                server.Start(request);
            }

            return true;
        }

        public void WriteReply(in RpcProtocolReply reply, IBufferWriter<byte> output)
        {
            if (reply.Error is { } error)
            {
                byte[] text = Encoding.UTF8.GetBytes(error.Message);
                output.Write(Encoding.UTF8.GetBytes($"ERR {reply.Id} {error.Code} {text.Length}\n"));
                output.Write(text);
                return;
            }

            if ((string?)reply.State == "unspeakable")
            {
                throw new NotSupportedException("Nothing was written yet.");
            }

            string metadata = string.Concat((reply.Metadata ?? []).Concat(reply.Trailers ?? []).Select(entry => $" {entry.Key}={entry.Value}"));
            output.Write(Encoding.UTF8.GetBytes($"OK {reply.Id} {reply.MessageLength + reply.Attachment.Length}{metadata}\n"));
            if ((string?)reply.State == "half")
            {
                throw new NotSupportedException("Something was.");
            }

            reply.WriteMessage(output);
            foreach (ReadOnlyMemory<byte> piece in reply.Attachment)
            {
                output.Write(piece.Span);
            }
        }

        private static string[] Words(in ReadOnlySequence<byte> line) => Encoding.UTF8.GetString(line).Split(' ');

        private static RpcParseStatus Invalid(string fault, out RpcProtocolMessage message)
        {
            message = new RpcProtocolMessage { Fault = fault };
            return RpcParseStatus.Invalid;
        }
    }
}
