namespace Kestrel.Rpc.Invocation.Tests;

/// <summary>A back end that answers when it is let, and tells which calls it has begun.</summary>
internal sealed class Gated : IInvocationHandler<int, int>
{
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<int> _begun = [];

    public int[] Begun
    {
        get
        {
            lock (_begun)
            {
                return [.. _begun];
            }
        }
    }

    public void Open() => _gate.TrySetResult();

    public async ValueTask HandleAsync(Invocation<int, int> invocation)
    {
        lock (_begun)
        {
            _begun.Add(invocation.Argument);
        }

        await _gate.Task;
        invocation.Reply(invocation.Argument);
    }
}
