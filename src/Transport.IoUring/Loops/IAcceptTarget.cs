namespace Kestrel.Rpc.Transport;

/// <summary>What an acceptor reports to. Called on the acceptor's loop.</summary>
internal interface IAcceptTarget
{
    /// <summary>Takes over a connected descriptor.</summary>
    void OnAccepted(int descriptor);

    /// <summary>
    /// An accept failed with a positive error number. If <paramref name="paused"/>, the next would fail too (no descriptors,
    /// no memory): the acceptor has paused itself and waits for a <see cref="LoopAcceptor.Resume"/>.
    /// </summary>
    void OnAcceptError(int error, bool paused);
}
