namespace Kestrel.Rpc.Protocol;

/// <summary>Whose output an <see cref="OutputQueue"/> writes.</summary>
internal interface IOutputOwner
{
    /// <summary>The output takes no more, and what is queued is dropped from now on. Called at most once.</summary>
    /// <param name="exception">What it threw; null if its reader has gone.</param>
    void OnOutputBroken(Exception? exception);
}
