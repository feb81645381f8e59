using System.Buffers;
using System.Net;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// Serves HTTP requests to one name of a method: what a connection does for calls of our own protocol, around the same pipeline. Any thread, many
/// requests at once.
/// </summary>
internal sealed class RpcHttpHandler(RpcServer server, RpcHttpMethod method, RpcMethodName name, RpcHttpAuthentication authentication)
{
    private const string NoReply = "The handler gave no reply.";

    public async Task InvokeAsync(HttpContext http)
    {
        RpcHttpCall call = new(server, method, name, http);
        bool isWritten = false;
        try
        {
            RpcHttpMediaType? type = await ServeAsync(call).ConfigureAwait(false);
            await RpcHttpAnswer.WriteAsync(call, method, type, server.FrameLimits.MaxBodyLength).ConfigureAwait(false);
            isWritten = !http.RequestAborted.IsCancellationRequested;
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read the response.
        }
        finally
        {
            call.End(isWritten);
        }
    }

    // What it gives is how the reply is to be written; null if the call has failed before that was asked.
    private async Task<RpcHttpMediaType?> ServeAsync(RpcHttpCall call)
    {
        RpcHttpMediaType? type = null;
        try
        {
            if (TryAccept(call, out bool isJson, out type) && await TryBeginAsync(call).ConfigureAwait(false))
            {
                if (method.Endpoint.HasReplyStream)
                {
                    call.OpenReplies(type!);
                }

                await RunAsync(call, isJson).ConfigureAwait(false);
            }
        }
        catch (Exception exception)
        {
            // Whatever a handler, a filter or a middleware throws fails its call.
            call.Fail(exception);
        }
        finally
        {
            call.LeaveGates();
        }

        return type;
    }

    private bool TryAccept(RpcHttpCall call, out bool isJson, out RpcHttpMediaType? type)
    {
        HttpRequest request = call.Http.Request;
        type = null;
        isJson = false;
        if (!server.IsServedAt(method.Endpoint, call.LocalEndPoint as IPEndPoint))
        {
            return Refuse(call, RpcStatusCode.Unimplemented, $"There is no service '{name.Service}' here.", StatusCodes.Status404NotFound);
        }

        if (server.Stopping.IsCancellationRequested)
        {
            call.Refuse(RpcServerConnection.StoppingFault());
            return false;
        }

        if (method.Endpoint.HasRequestStream)
        {
            return Refuse(call, RpcStatusCode.Unimplemented, "The method takes a stream of requests, which an HTTP call cannot have.");
        }

        if (!RpcHttpNegotiation.TryReadContentType(method, request, out isJson))
        {
            string formats = method.RequestKind == RpcMessageKind.Json ? RpcHttpMediaType.JsonName : $"{RpcHttpMediaType.JsonName} or {RpcHttpMediaType.ProtobufNames[0]}";
            return Refuse(
                call, RpcStatusCode.InvalidArgument, $"The body must be {formats} in UTF-8, not encoded, and say so.", StatusCodes.Status415UnsupportedMediaType);
        }

        IReadOnlyList<RpcHttpMediaType> offered = RpcHttpNegotiation.Offer(method, isJson);
        type = RpcHttpNegotiation.Choose(offered, request.Headers.Accept);
        return type is not null || Refuse(
            call,
            RpcStatusCode.InvalidArgument,
            $"The reply can be {string.Join(", ", offered.Select(offer => offer.Name))}, none of which the caller accepts.",
            StatusCodes.Status406NotAcceptable);
    }

    private async Task<bool> TryBeginAsync(RpcHttpCall call)
    {
        call.ReadHeaders();
        call.StartCancellation();
        if (call.TimeLeft <= TimeSpan.Zero)
        {
            return Refuse(call, RpcStatusCode.DeadlineExceeded, "The time for the call was over when it came.");
        }

        await authentication.VerifyAsync(call).ConfigureAwait(false);
        return true;
    }

    private async Task RunAsync(RpcHttpCall call, bool isJson)
    {
        if (await ReadBodyAsync(call).ConfigureAwait(false) is not { } bytes)
        {
            return;
        }

        ReadOnlySequence<byte> body = new(bytes);
        call.ObserveDispatched(body);
        RpcAdmission? admission = method.Endpoint.Admission;
        if (admission is { NeedsRequest: true })
        {
            call.ReadRequest(body, isJson);
        }

        if (admission is not null && !await call.TryEnterAsync(admission).ConfigureAwait(false))
        {
            return;
        }

        if (!call.HasRequest)
        {
            call.ReadRequest(body, isJson);
        }

        if (method.Endpoint.Scheduling == RpcScheduling.Dedicated)
        {
            await RpcResumption.On(server.DedicatedThreads!);
        }

        call.ObserveRunning();
        await method.Endpoint.Pipeline(call).ConfigureAwait(false);
        if (call.Reply is null && !method.Endpoint.HasReplyStream)
        {
            Log.NoReply(server.Logger, name, call.Connection.ConnectionId);
            call.Fault = RpcFault.Of(RpcStatusCode.Internal, NoReply, name);
        }
    }

    private async Task<byte[]?> ReadBodyAsync(RpcHttpCall call)
    {
        int most = server.FrameLimits.MaxBodyLength;
        try
        {
            if (await RpcHttpBody.ReadAsync(call.Http.Request, most, call.CancellationToken).ConfigureAwait(false) is { } body)
            {
                return body;
            }
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode != StatusCodes.Status413PayloadTooLarge)
        {
            // The body breaks HTTP's own rules, or comes too slowly.
            Refuse(call, RpcStatusCode.InvalidArgument, "The body cannot be read.", exception.StatusCode);
            return null;
        }
        catch (BadHttpRequestException)
        {
            // As below; HTTP has counted.
        }
        catch (IOException) when (call.CancelledWith is null)
        {
            Refuse(call, RpcStatusCode.Cancelled, "The request broke off.");
            return null;
        }

        Refuse(call, RpcStatusCode.ResourceExhausted, $"A message of more than {most} bytes is over the limit.", StatusCodes.Status413PayloadTooLarge);
        return null;
    }

    private bool Refuse(RpcHttpCall call, RpcStatusCode code, string message, int? httpStatus = null)
    {
        Log.CallNotDispatched(server.Logger, call.Connection.ConnectionId, message);
        RpcFault fault = RpcFault.Of(code, message, name) with { IsNotProcessed = true };
        if (httpStatus is { } status)
        {
            call.Refuse(fault, status);
        }
        else
        {
            call.Refuse(fault);
        }

        return false;
    }
}
