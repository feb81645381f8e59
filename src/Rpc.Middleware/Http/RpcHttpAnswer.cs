using System.Buffers;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>Writes the response of a call whose pipeline has ended: the reply, or the error in its place.</summary>
internal static class RpcHttpAnswer
{
    /// <param name="call">The call.</param>
    /// <param name="method">Its method.</param>
    /// <param name="type">What the caller wants; null if that was not found out.</param>
    /// <param name="mostBytes">The most that a reply may have.</param>
    public static async Task WriteAsync(RpcHttpCall call, RpcHttpMethod method, RpcHttpMediaType? type, int mostBytes)
    {
        if (call.Replies is { } replies)
        {
            await replies.CloseAsync().ConfigureAwait(false);
            if (replies.HasStarted || call.Fault is null)
            {
                await replies.EndAsync(call.Fault).ConfigureAwait(false);
                return;
            }
        }

        ArrayBufferWriter<byte> body = new();
        if (call.Fault is null)
        {
            Serialize(call, method, type!, mostBytes, body);
        }

        HttpResponse response = call.Http.Response;
        RpcHttpHeaders.Write(call.ReplyMetadataOrNull, response.Headers);
        if (call.Fault is { } fault)
        {
            response.StatusCode = call.HttpStatus ?? fault.Status.Code.ToHttpStatus();
            response.ContentType = RpcHttpProblem.ContentType;
            RpcHttpProblem.Write(fault, response.StatusCode, call.ReplyTrailersOrNull, body);
        }
        else
        {
            response.StatusCode = StatusCodes.Status200OK;
            response.ContentType = type!.ContentType;
            RpcHttpHeaders.Write(call.ReplyTrailersOrNull, response.Headers, RpcHttpHeaders.TrailerPrefix);
        }

        response.ContentLength = body.WrittenCount;
        await response.Body.WriteAsync(body.WrittenMemory, call.Http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Notes that a reply could not be written.</summary>
    /// <returns>What the caller gets.</returns>
    public static RpcFault NotWritten(RpcHttpCall call, RpcException exception)
    {
        Log.ReplyNotWritten(call.Logger, call.Name, call.Connection.ConnectionId, exception);
        return RpcFault.Of(exception.StatusCode, "The reply could not be written.", call.Name);
    }

    private static void Serialize(RpcHttpCall call, RpcHttpMethod method, RpcHttpMediaType type, int mostBytes, ArrayBufferWriter<byte> body)
    {
        try
        {
            method.Write(call.Reply!, type.Format == RpcHttpFormat.Json, body);
            if (body.WrittenCount > mostBytes)
            {
                throw new RpcException(RpcStatusCode.ResourceExhausted, $"A reply of {body.WrittenCount} bytes is over the limit of {mostBytes}.");
            }
        }
        catch (RpcException exception)
        {
            // It is none, or too long.
            body.ResetWrittenCount();
            call.Fault = NotWritten(call, exception);
        }
    }
}
