using System.IO.Pipelines;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>Writes the reply of a call, or the error in its place. Never leaves half a frame.</summary>
internal static class RpcReplyWriter
{
    /// <returns>Bytes written.</returns>
    public static int Write(PipeWriter output, RpcCall call, RpcServerConnection connection)
    {
        if (call.Fault is null)
        {
            try
            {
                return RpcFrameWriter.WriteMessage(
                    output, RpcFrameType.Response, call.SequenceId, call.ReplyProtocolData, call.Reply, call.ReplyFormat, connection.Server.FrameLimits);
            }
            catch (RpcException exception)
            {
                // Over the limit, or changed by someone while it was written. The frame was not begun.
                Log.ReplyNotWritten(connection.Logger, call.Name, connection.Connection.ConnectionId, exception);
                call.Fault = new RpcFault(call.Service, call.Method, exception.Code, "The reply could not be written.");
            }
        }

        RpcFault fault = call.Fault.Value;
        return RpcErrorReply.Write(output, call.SequenceId, fault.Service, fault.Method, fault.Code, fault.Message);
    }
}
