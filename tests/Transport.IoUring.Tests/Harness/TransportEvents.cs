namespace Kestrel.Rpc.Transport.Tests;

/// <summary>The event ids that Kestrel's transports share; all of them are of level Debug.</summary>
internal static class TransportEvents
{
    public const int Pause = 4;
    public const int Resume = 5;
    public const int ReadFin = 6;
    public const int WriteFin = 7;
    public const int WriteRst = 8;
    public const int Error = 14;
    public const int Reset = 19;
}
