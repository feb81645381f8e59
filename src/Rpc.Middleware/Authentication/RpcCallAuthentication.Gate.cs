using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <content>For methods whose limits ask who makes a call: the answer has to be there before them, and so before the pipeline.</content>
internal sealed partial class RpcCallAuthentication
{
    /// <summary>Finds out whether the call can be let in without asking anybody.</summary>
    /// <returns>Entered, with the call's user set; refused, with its fault; or that it has to wait for <see cref="VerifyAsync(RpcCall)"/>.</returns>
    public RpcGateAnswer TryEnter(RpcCall call)
    {
        if (!TryFind(call, out ReadOnlyMemory<byte>? credentials))
        {
            call.Fail(MoreThanOnce());
            return RpcGateAnswer.Refused;
        }

        if (credentials is not { } presented)
        {
            return RpcGateAnswer.Entered;
        }

        if (call.Owner.Credentials?.FindAccepted(presented.Span) is not { } known)
        {
            return RpcGateAnswer.Wait;
        }

        call.User = known.User!; // accepted
        return RpcGateAnswer.Entered;
    }

    /// <summary>Has the call's credentials verified, and sets its user.</summary>
    /// <exception cref="RpcException">They are not accepted.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public async Task VerifyAsync(RpcCall call)
    {
        // Not on the thread that reads: it is the application's code.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        TryFind(call, out ReadOnlyMemory<byte>? credentials);
        RpcAuthentication answer = await Ask(call, credentials!.Value.Span).WaitAsync(call.CancellationToken).ConfigureAwait(false);
        call.User = answer.IsAccepted ? answer.User : throw new RpcException(RpcStatusCode.Unauthenticated, answer.Reason);
    }

    private static RpcException MoreThanOnce() => new(RpcStatusCode.Unauthenticated, "The call has credentials more than once.");

    // False if there are some more than once: what is in front of the server may have looked at others.
    private bool TryFind(RpcCall call, out ReadOnlyMemory<byte>? credentials)
    {
        credentials = null;
        RpcMetadata metadata = call.RequestMetadata;
        for (int i = 0; i < metadata.Count; i++)
        {
            if (!string.Equals(metadata[i].Key, _key, StringComparison.Ordinal))
            {
                continue;
            }

            if (credentials is not null)
            {
                return false;
            }

            credentials = metadata[i].ValueBytes;
        }

        return true;
    }
}
