using System.Linq.Expressions;
using System.Reflection;
using Google.Protobuf;
using Kestrel.Rpc.Protocol;

namespace Kestrel.Rpc.Middleware;

/// <remarks>Streams among parameters and results: their interfaces are unmistakable, so nothing else need be declared.</remarks>
internal sealed partial class RpcDelegateBinder
{
    private bool _hasRequestStream;
    private bool _hasReplyStream;
    private Type? _writerType;

    private RpcMethodShape Shape => (_hasRequestStream, _hasReplyStream) switch
    {
        (false, false) => RpcMethodShape.Unary,
        (true, false) => RpcMethodShape.ClientStreaming,
        (false, true) => RpcMethodShape.ServerStreaming,
        (true, true) => RpcMethodShape.DuplexStreaming,
    };

    // What makes such a stream; null if it is none, or not one of messages.
    private static string? FindStream(Type type)
    {
        Type? definition = type.IsConstructedGenericType ? type.GetGenericTypeDefinition() : null;
        string? maker = definition == typeof(IAsyncEnumerable<>) ? nameof(RpcStreams.ReadAll)
            : definition == typeof(IRpcStreamReader<>) ? nameof(RpcStreams.Reader)
            : definition == typeof(IRpcStreamWriter<>) ? nameof(RpcStreams.Writer)
            : null;
        return maker is not null && typeof(IMessage).IsAssignableFrom(type.GenericTypeArguments[0]) ? maker : null;
    }

    private MethodCallExpression BindStream(string maker, Type message, ParameterInfo parameter)
    {
        if (maker == nameof(RpcStreams.Writer))
        {
            if (_writerType is not null)
            {
                throw Error($"has more than one stream to write to: of {_writerType.Name} and of {message.Name}. A call has one.");
            }

            _writerType = message;
            _hasReplyStream = true;
        }
        else
        {
            SetRequestType(message, parameter);
            _hasRequestStream = true;
        }

        return Stream(maker, message, _context);
    }

    // Null if the replies are no stream.
    private MethodCallExpression? BindStreamOfReplies(Expression call)
    {
        Type type = call.Type;
        bool isTask = type.IsConstructedGenericType && type.GetGenericTypeDefinition() == typeof(Task<>);
        Type stream = isTask ? type.GenericTypeArguments[0] : type;
        bool isStream = FindStream(stream) == nameof(RpcStreams.ReadAll);
        if (_writerType is null)
        {
            _hasReplyStream = isStream;
            return isStream
                ? Stream(isTask ? nameof(RpcStreams.WriteAllOf) : nameof(RpcStreams.WriteAll), stream.GenericTypeArguments[0], _context, call)
                : null;
        }

        string? awaiter = type == typeof(Task) ? nameof(RpcStreams.AwaitTask) : type == typeof(ValueTask) ? nameof(RpcStreams.AwaitValueTask) : null;
        return awaiter is not null
            ? Expression.Call(typeof(RpcStreams), awaiter, [], call)
            : throw Error($"writes its replies to an IRpcStreamWriter<{_writerType.Name}> and returns {type}. It must return a Task or a ValueTask, "
                + "which ends when everything is written.");
    }

    private static MethodCallExpression Stream(string method, Type message, params Expression[] arguments) =>
        Expression.Call(typeof(RpcStreams), method, [message], arguments);
}
