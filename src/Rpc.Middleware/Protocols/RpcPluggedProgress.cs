namespace Kestrel.Rpc.Middleware;

/// <summary>How far an <see cref="RpcPluggedSession"/> has come.</summary>
internal enum RpcPluggedProgress
{
    Started,
    NeedMore,
    Unverified,
    Refused,
}
