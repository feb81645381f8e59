using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Kestrel.Rpc.Transport;

/// <summary>Throws what one side of a pipe was completed with on the other side, with its own stack trace.</summary>
internal static class PipeErrors
{
    [DoesNotReturn]
    public static Exception Rethrow(Exception error)
    {
        ExceptionDispatchInfo.Throw(error);
        return error;
    }
}
