using Golden.Everything;
using Kestrel.Rpc.Middleware;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>Every method of the generated base but one.</summary>
internal sealed class EverythingService(NoteBook notes) : Everything.EverythingBase
{
    public override ValueTask<Answer> Ask(Question request, RpcContext context)
    {
        foreach (RpcMetadataEntry entry in context.RequestMetadata)
        {
            context.ReplyTrailers.Add(entry);
        }

        return ValueTask.FromResult(new Answer { Number = request.Number + 1 });
    }

    public override async ValueTask<Answer> Sum(IRpcStreamReader<Question> requests, RpcContext context)
    {
        int sum = 0;
        await foreach (Question question in requests.ReadAllAsync(context.CancellationToken))
        {
            sum += question.Number;
        }

        return new Answer { Number = sum };
    }

    public override async ValueTask Count(Question request, IRpcStreamWriter<Answer> replies, RpcContext context)
    {
        for (int number = 1; number <= request.Number; number++)
        {
            await replies.WriteAsync(new Answer { Number = number }, context.CancellationToken);
        }
    }

    public override async ValueTask Chat(IRpcStreamReader<Question> requests, IRpcStreamWriter<Answer> replies, RpcContext context)
    {
        await foreach (Question question in requests.ReadAllAsync(context.CancellationToken))
        {
            await replies.WriteAsync(new Answer { Number = -question.Number }, context.CancellationToken);
        }
    }

    public override ValueTask Note(Question request, RpcContext context)
    {
        notes.Take(request.Number, context.IsOneWay);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<Answer> Renamed(Question request, RpcContext context) => ValueTask.FromResult(new Answer { Number = request.Number * 2 });
}
