using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Bare;

/// <summary>The discard protocol (RFC 863): takes everything, answers nothing.</summary>
internal sealed class DiscardHandler : ConnectionHandler
{
    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        while (true)
        {
            ReadResult result = await input.ReadAsync();
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }
}
