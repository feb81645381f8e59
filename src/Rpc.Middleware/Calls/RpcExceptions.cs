using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// The one place where an exception that left the pipeline becomes the error that the caller sees. Middleware that wants
/// another error catches what it knows and throws an <see cref="RpcException"/> instead.
/// </summary>
internal static class RpcExceptions
{
    private const string Cancelled = "The call was cancelled.";
    private const string Failed = "The handler failed.";

    /// <summary>Logs the exception and says what the caller gets.</summary>
    public static RpcFault ToFault(Exception exception, RpcMethodName name, RpcServerConnection connection)
    {
        string id = connection.Connection.ConnectionId;
        if (connection.CallsCancelled.IsCancellationRequested)
        {
            Log.CallCancelled(connection.Logger, name, id, exception);
            return Fault(RpcErrorCode.Server, Cancelled);
        }

        if (exception is RpcException refusal)
        {
            Log.CallRefused(connection.Logger, name, id, refusal.Code, RpcNames.ForLog(refusal.Message));
            return Fault(Enum.IsDefined(refusal.Code) ? refusal.Code : RpcErrorCode.Server, refusal.Message);
        }

        Log.HandlerFailed(connection.Logger, name, id, exception);
        return Fault(RpcErrorCode.Server, connection.Server.Options.EnableDetailedErrors ? Describe(exception) : Failed);

        RpcFault Fault(RpcErrorCode code, string message) => new(name.Service, name.Method, code, message);
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
