using System.Diagnostics.Tracing;

namespace Kestrel.Rpc.Invocation;

/// <summary>Where faults go that no caller can be told and nobody has asked for.</summary>
[EventSource(Name = "Kestrel.Rpc.Invocation")]
internal sealed class InvocationEvents : EventSource
{
    public const int HandlerFaultId = 1;

    private static readonly InvocationEvents Log = new();

    public static void Report(Exception fault, Action<Exception>? onFault)
    {
        if (onFault is not null)
        {
            onFault(fault);
        }
        else if (Log.IsEnabled())
        {
            Log.HandlerFault(fault.ToString());
        }
    }

    [Event(HandlerFaultId, Level = EventLevel.Error, Message = "A handler failed after its call was answered: {0}")]
    public void HandlerFault(string fault) => WriteEvent(HandlerFaultId, fault);
}
