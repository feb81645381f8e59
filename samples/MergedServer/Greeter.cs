using Google.Protobuf.WellKnownTypes;
using Kestrel.Rpc.Invocation;

namespace MergedServer;

/// <summary>The root handler. It knows neither networks nor channels: it gets an argument, and a way to reply.</summary>
internal sealed class Greeter : IInvocationHandler<StringValue, StringValue>
{
    private readonly TaskCompletionSource _putAside = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private DeferredReply<StringValue> _later;

    /// <summary>Ends when a call was put aside.</summary>
    public Task PutAside => _putAside.Task;

    public ValueTask HandleAsync(Invocation<StringValue, StringValue> invocation)
    {
        if (invocation.Argument.Value == "later")
        {
            _later = invocation.Defer(); // the one-shot callback
            _putAside.SetResult();
        }
        else
        {
            invocation.Reply(new StringValue { Value = $"Hello {invocation.Argument.Value}" });
        }

        return default;
    }

    public void Finish() => _later.Reply(new StringValue { Value = "Hello at last" });
}
