using Kestrel.Rpc.Protocol;
using Microsoft.Extensions.Logging;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The one place where an exception that left the pipeline becomes the error that the caller sees. Middleware that wants
/// another error catches what it knows and throws an <see cref="RpcException"/> instead.
/// </summary>
internal static class RpcExceptions
{
    private const string Cancelled = "The call was cancelled.";
    private const string Stopped = "The server has stopped before the call had ended.";
    private const string OutOfTime = "The time for the call ran out.";
    private const string Failed = "The handler failed.";

    /// <summary>Logs the exception and says what the caller gets.</summary>
    public static RpcFault ToFault(Exception exception, RpcServedCall call, RpcServer server, ILogger logger)
    {
        string id = call.Connection.ConnectionId;
        RpcMethodName name = call.Name;
        if (call.CancelledWith is { } cancelled)
        {
            Log.CallCancelled(logger, name, id, exception);
            string message = cancelled == RpcStatusCode.Unavailable ? Stopped : Cancelled;
            RpcFault fault = new(name.Service, name.Method, RpcErrorCode.Server, message);
            return cancelled == RpcStatusCode.DeadlineExceeded
                ? RpcFault.Of(cancelled, OutOfTime, name)
                : fault with { Status = new RpcStatus(cancelled, message) };
        }

        if (exception is RpcException refusal)
        {
            Log.CallRefused(logger, name, id, refusal.Code, RpcNames.ForLog(refusal.Message));
            RpcErrorCode code = Enum.IsDefined(refusal.Code) ? refusal.Code : RpcErrorCode.Server;
            return new RpcFault(name.Service, name.Method, code, refusal.Message)
            {
                Status = refusal.Status,
                Trailers = refusal.Trailers,
                IsNotProcessed = refusal.InnerException is RpcNotTaken,
            };
        }

        call.NoteException(exception);
        Log.HandlerFailed(logger, name, id, exception);
        string described = server.Live.EnableDetailedErrors ? Describe(exception) : Failed;
        return new RpcFault(name.Service, name.Method, RpcErrorCode.Server, described);
    }

    private static string Describe(Exception exception)
    {
        try
        {
            return $"{exception.GetType().Name}: {exception.Message}";
        }
        catch (Exception)
        {
            // The message is code of the application, too. What failed is in the log as far as it can be told.
            return exception.GetType().Name;
        }
    }
}
