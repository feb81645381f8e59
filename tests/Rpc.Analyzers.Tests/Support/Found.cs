namespace Kestrel.Rpc.Analyzers.Tests;

/// <summary>What an analyzer has said.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Message">Its text.</param>
/// <param name="Place">The code that is underlined.</param>
internal sealed record Found(string Id, string Message, string Place);
