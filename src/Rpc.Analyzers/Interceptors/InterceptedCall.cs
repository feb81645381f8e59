namespace Kestrel.Rpc.Analyzers;

/// <summary>A call that is intercepted.</summary>
/// <param name="Attribute">The attribute that tells the compiler which one.</param>
/// <param name="Place">File and line, for readers.</param>
/// <param name="Handler">Its handler.</param>
internal sealed record InterceptedCall(string Attribute, string Place, HandlerShape Handler);
