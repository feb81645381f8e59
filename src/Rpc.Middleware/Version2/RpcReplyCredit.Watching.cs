namespace Kestrel.Rpc.Middleware;

/// <content>
/// Replies that wait for credit which does not come. A stream may be left alone for as long as its reader likes, and holds a few messages; a reply that is there in whole is taken, or it is not
/// wanted: each holds its message, and there may be as many as calls in flight.
/// </content>
internal sealed partial class RpcReplyCredit
{
    private bool _hasMoved; // since the last look, as all here under the lock

    /// <summary>Whether a cut reply has waited that long without anything of it, or of those ahead of it, being taken. Of the heart-beat, once a second.</summary>
    /// <param name="now">A timestamp.</param>
    /// <param name="time">How long, as a difference of timestamps.</param>
    public bool HasUnwanted(long now, long time)
    {
        lock (_lock)
        {
            // Who stands in line waits for those ahead: that goes on for as long as any of them gets something.
            bool hasMoved = _hasMoved;
            _hasMoved = false;
            return Look(_line, now, time, hasMoved) | Look(_lineForRoom, now, time, hasMoved) | Look(_others, now, time, hasMoved: false);
        }
    }

    /// <summary>Ends those replies with an error.</summary>
    /// <param name="now">As in <see cref="HasUnwanted"/>.</param>
    /// <param name="time">Likewise.</param>
    /// <returns>How many there were.</returns>
    public int EndUnwanted(long now, long time)
    {
        List<RpcVersion2Call> unwanted = [];
        lock (_lock)
        {
            Take(_line, now, time, unwanted);
            Take(_lineForRoom, now, time, unwanted);
            Take(_others, now, time, unwanted);
        }

        foreach (RpcVersion2Call call in unwanted)
        {
            replies.Send(call.Item);
        }

        WakeNext();
        return unwanted.Count;
    }

    // Time begins with the first look, so that waiting costs no clock.
    private static bool Look(LinkedList<RpcVersion2Call> line, long now, long time, bool hasMoved)
    {
        bool isAny = false;
        foreach (RpcVersion2Call call in line)
        {
            if (call.WaitsSince == 0 || hasMoved)
            {
                call.WaitsSince = Math.Max(1, now); // a clock may begin at 0
            }
            else
            {
                isAny |= IsUnwanted(call, now, time);
            }
        }

        return isAny;
    }

    private static bool IsUnwanted(RpcVersion2Call call, long now, long time) => call.WaitsSince != 0 && now - call.WaitsSince >= time && !call.HasReplyStream;

    private static void Take(LinkedList<RpcVersion2Call> line, long now, long time, List<RpcVersion2Call> unwanted)
    {
        LinkedListNode<RpcVersion2Call>? place = line.First;
        while (place is not null)
        {
            LinkedListNode<RpcVersion2Call>? next = place.Next;
            if (IsUnwanted(place.Value, now, time))
            {
                place.Value.IsUnwanted = true;
                line.Remove(place);
                unwanted.Add(place.Value);
            }

            place = next;
        }
    }
}
