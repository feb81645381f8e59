namespace Kestrel.Rpc.Middleware;

/// <summary>The limits that the calls of an end point pass, one after the other. Made when the host starts; immutable.</summary>
/// <param name="gates">
/// The narrowest first: a call that waits for the server's limit may hold a place of its connection's and its method's, but calls of one connection or method never hold places of the server's
/// while they wait.
/// </param>
internal sealed class RpcAdmission(RpcGate[] gates)
{
    /// <summary>The limits in their order.</summary>
    public IReadOnlyList<RpcGate> Gates => gates;

    /// <summary>Whether the request must be parsed before the first gate.</summary>
    public bool NeedsRequest { get; } = gates.Any(gate => gate.NeedsRequest);

    /// <summary>Whether calls that come through are authenticated already.</summary>
    public bool Authenticates { get; } = gates.Any(gate => gate is RpcAuthenticationGate);

    /// <summary>Lets a call through the gates that are still ahead of it.</summary>
    /// <returns>The first answer that is no entrance.</returns>
    public RpcGateAnswer TryEnter(RpcServedCall call)
    {
        while (call.NextGate < gates.Length)
        {
            RpcGateAnswer answer = gates[call.NextGate].TryEnter(call);
            if (answer != RpcGateAnswer.Entered)
            {
                return answer;
            }

            call.OnGateEntered();
        }

        return RpcGateAnswer.Entered;
    }

    /// <summary>Hands a call to the gate that lets it wait. The caller must not touch it afterwards.</summary>
    public void Wait(RpcServedCall call) => gates[call.NextGate].Wait(call);

    /// <summary>Leaves the gates that a call has entered.</summary>
    /// <param name="call">The call.</param>
    /// <param name="entered">A bit for each gate.</param>
    public void Leave(RpcServedCall call, int entered)
    {
        for (int i = gates.Length - 1; i >= 0; i--)
        {
            if ((entered & (1 << i)) != 0)
            {
                gates[i].Leave(call);
            }
        }
    }
}
