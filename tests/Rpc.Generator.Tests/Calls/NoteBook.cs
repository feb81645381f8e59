namespace Kestrel.Rpc.Generator.Tests;

/// <summary>What came one way, where nobody answers.</summary>
internal sealed class NoteBook
{
    private readonly TaskCompletionSource<(int Number, bool IsOneWay)> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<(int Number, bool IsOneWay)> First => _first.Task;

    public void Take(int number, bool isOneWay) => _first.TrySetResult((number, isOneWay));
}
