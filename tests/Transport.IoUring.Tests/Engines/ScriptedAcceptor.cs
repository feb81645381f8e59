namespace Kestrel.Rpc.Transport.Tests.Engines;

/// <summary>Accepts what the test hands it, and remembers whether it should.</summary>
internal sealed class ScriptedAcceptor(IAcceptTarget target) : LoopAcceptor
{
    private readonly LoopOperation _stop = new();

    public IAcceptTarget Target => target;

    public bool IsAccepting { get; private set; }

    public override int Resume()
    {
        IsAccepting = true;
        return 0;
    }

    public override void Pause() => IsAccepting = false;

    public override LoopOperation StopAsync()
    {
        IsAccepting = false;
        _stop.Complete(0);
        return _stop;
    }
}
