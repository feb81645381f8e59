namespace Kestrel.Rpc.Transport;

/// <summary>The token of the operation that one side of a pipe waits for. Made with the first token that can fire, then used again.</summary>
internal sealed class PipeCancellation
{
    private CancellationTokenRegistration _registration;

    // Kept beside the registration: a token that fires meanwhile leaves none.
    public CancellationToken Token { get; private set; }

    public void Set(Action<object?> onCanceled, object pipe, CancellationToken token)
    {
        Token = token;
        _registration = token.UnsafeRegister(onCanceled, pipe);
    }

    /// <summary>Forgets the token without looking at its registration: its operation has ended.</summary>
    public void Forget() => Token = default;

    /// <summary>Gives up both.</summary>
    public CancellationTokenRegistration Take(out CancellationToken token)
    {
        CancellationTokenRegistration registration = _registration;
        token = Token;
        _registration = default;
        Token = default;
        return registration;
    }
}
