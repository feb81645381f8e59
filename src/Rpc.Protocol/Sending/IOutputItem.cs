using System.IO.Pipelines;

namespace Kestrel.Rpc.Protocol;

/// <summary>What an <see cref="OutputQueue"/> writes. Belongs to the queue from <see cref="OutputQueue.Send"/> until one of the two methods is called.</summary>
internal interface IOutputItem
{
    /// <summary>The queue's own.</summary>
    IOutputItem? NextInLine { get; set; }

    /// <summary>
    /// Writes whole frames and lets go of the item: afterwards it may be in use again. Not flushed. One that has much to write writes a part and
    /// calls <see cref="OutputQueue.WriteAgain"/> or <see cref="OutputQueue.Postpone"/> last.
    /// </summary>
    /// <returns>Bytes written; 0 if there is nothing to write any more.</returns>
    /// <exception cref="Exception">The output does not take it: nothing can be sent any more.</exception>
    int Write(PipeWriter output);

    /// <summary>Lets go of the item: nothing can be sent any more.</summary>
    void Discard();
}
