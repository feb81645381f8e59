namespace Kestrel.Rpc.Client;

/// <summary>A message of a stream that waits for its reader.</summary>
/// <param name="Message">The message; undefined while it is packed.</param>
/// <param name="Attachment">Its attachment.</param>
/// <param name="Cost">The credit that it holds.</param>
/// <param name="Packed">The message as it came, if that was compressed.</param>
internal readonly record struct ReceivedMessage<T>(T Message, ReadOnlyMemory<byte> Attachment, long Cost, PackedMessage? Packed = null);
