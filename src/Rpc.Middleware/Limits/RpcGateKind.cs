namespace Kestrel.Rpc.Middleware;

/// <summary>Whose bound a <see cref="RpcConcurrencyGate"/> is. Calls pass them in the order of the values.</summary>
internal enum RpcGateKind
{
    OfConnection,
    OfMethod,
    OfServer,
}
