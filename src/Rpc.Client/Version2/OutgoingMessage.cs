using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Client;

/// <summary>A serialised message that waits in <see cref="OutgoingMessages"/>.</summary>
/// <param name="Length">Its bytes, attachment included.</param>
/// <param name="AttachmentLength">Those of them that are its attachment.</param>
/// <param name="Encoding">How it is compressed, if it is.</param>
internal readonly record struct OutgoingMessage(int Length, int AttachmentLength, RpcEncoding Encoding);
