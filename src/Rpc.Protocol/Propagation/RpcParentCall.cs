namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The call that the running code works for, where a server says so (its option is off by default) and a client asks for it (likewise). Flows with the
/// execution context: into awaited methods and into tasks that are started.
/// </summary>
public static class RpcParentCall
{
    private static readonly AsyncLocal<IRpcParentCall?> Local = new();

    /// <summary>
    /// The call, or <see langword="null"/>. Code that sets it sees to it that the object may be used for as long as something that it has flowed into
    /// runs: no pooled context of a call.
    /// </summary>
    public static IRpcParentCall? Current
    {
        get => Local.Value;
        set => Local.Value = value;
    }
}
