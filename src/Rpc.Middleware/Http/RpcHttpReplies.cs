using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A stream of replies over HTTP: lines of JSON, or server-sent events. The response begins with the first message, so that a call that fails before has
/// its status; a message is on its way when its writing ends. The writer of the response bounds what waits. One thread at a time writes.
/// </summary>
internal sealed class RpcHttpReplies(RpcHttpCall call, RpcHttpMethod method, RpcHttpMediaType type, int mostBytes) : IRpcReplyStream
{
    private readonly Lock _lock = new();
    private readonly ArrayBufferWriter<byte> _message = new();
    private readonly ArrayBufferWriter<byte> _output = new(); // what leaves with the next write
    private bool _isWriting; // under the lock, as the next three
    private bool _isCompleted;
    private bool _hasEnded;
    private TaskCompletionSource? _written; // somebody waits for the end of a writing

    /// <summary>Whether the response has begun. Only for who writes.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Counts the messages; null if nobody watches.</summary>
    public RpcStreamMeter? Meter { get; set; }

    public CancellationToken Cancelled => call.CancellationToken;

    public ValueTask WriteAsync(object message, ReadOnlySpan<byte> attachment, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (Cancelled.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(Cancelled);
        }

        try
        {
            BeginWriting();
        }
        catch (InvalidOperationException exception)
        {
            // The handler writes when it must not.
            return ValueTask.FromException(exception);
        }

        return SendAsync(message, cancellationToken);
    }

    public void Complete()
    {
        lock (_lock)
        {
            _isCompleted = true;
        }
    }

    /// <summary>The handler has ended: nothing more of it is written. Waits for what is being written by somebody who was left behind.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _hasEnded = true;
            return _isWriting ? (_written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;
        }
    }

    /// <summary>Writes the end of the stream, behind all messages.</summary>
    /// <param name="fault">Why it ends early; null if it does not.</param>
    public async Task EndAsync(RpcFault? fault)
    {
        Start();
        _output.ResetWrittenCount();
        if (call.Reply is { } last && fault is null && !TryAppend(last, out RpcFault notWritten))
        {
            fault = notWritten;
        }

        if (fault is { } failed)
        {
            call.Fault = failed;
            AppendError(failed);
        }
        else if (type.Format == RpcHttpFormat.Events)
        {
            AppendEnd();
        }

        await call.Http.Response.BodyWriter.WriteAsync(_output.WrittenMemory, call.Http.RequestAborted).ConfigureAwait(false);
    }

    private void BeginWriting()
    {
        lock (_lock)
        {
            if (_hasEnded)
            {
                throw new InvalidOperationException("The call has ended, and its streams with it. Read and write only until the handler returns.");
            }

            if (_isCompleted)
            {
                throw new InvalidOperationException("The stream of replies was completed.");
            }

            if (_isWriting)
            {
                throw new InvalidOperationException("The message before is still being written: await its writing first.");
            }

            _isWriting = true;
        }
    }

    private void EndWriting()
    {
        lock (_lock)
        {
            _isWriting = false;
            _written?.TrySetResult();
        }
    }

    private async ValueTask SendAsync(object message, CancellationToken cancellationToken)
    {
        CancellationTokenSource? both = null;
        try
        {
            Serialize(message);
            Start();
            _output.ResetWrittenCount();
            Append();
            if (cancellationToken.CanBeCanceled && cancellationToken != Cancelled)
            {
                both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Cancelled);
            }

            FlushResult flushed = await call.Http.Response.BodyWriter.WriteAsync(_output.WrittenMemory, both?.Token ?? Cancelled).ConfigureAwait(false);
            if (flushed.IsCompleted || flushed.IsCanceled)
            {
                // Nobody reads any more. The call's token says so now, or in a moment.
                throw new OperationCanceledException("The caller has gone.", Cancelled);
            }
        }
        finally
        {
            both?.Dispose();
            EndWriting();
        }
    }

    private void Serialize(object message)
    {
        _message.ResetWrittenCount();
        method.Write(message, isJson: true, _message);
        if (_message.WrittenCount > mostBytes)
        {
            throw new RpcException(RpcStatusCode.ResourceExhausted, $"A message of {_message.WrittenCount} bytes is over the limit of {mostBytes}.");
        }
    }

    private void Start()
    {
        if (HasStarted)
        {
            return;
        }

        HasStarted = true;
        HttpResponse response = call.Http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = type.ContentType;
        response.Headers.CacheControl = "no-cache";
        RpcHttpHeaders.Write(call.ReplyMetadataOrNull, response.Headers);
        call.Http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    private void Append()
    {
        bool isEvent = type.Format == RpcHttpFormat.Events;
        if (isEvent)
        {
            _output.Write("data: "u8);
        }

        // A line break ends the message. In JSON it is never more than white space.
        Span<byte> copy = _output.GetSpan(_message.WrittenCount)[.._message.WrittenCount];
        _message.WrittenSpan.CopyTo(copy);
        copy.Replace((byte)'\n', (byte)' ');
        copy.Replace((byte)'\r', (byte)' ');
        _output.Advance(copy.Length);
        _output.Write(isEvent ? "\n\n"u8 : "\n"u8);
        Meter?.OnResponse(_message.WrittenCount);
    }

    private bool TryAppend(object message, out RpcFault fault)
    {
        fault = default;
        try
        {
            Serialize(message);
            Append();
            return true;
        }
        catch (RpcException exception)
        {
            // The reply is none, or too long.
            fault = RpcHttpAnswer.NotWritten(call, exception);
            return false;
        }
    }

    private void AppendError(RpcFault fault)
    {
        bool isEvent = type.Format == RpcHttpFormat.Events;
        _output.Write(isEvent ? "event: error\ndata: "u8 : "{\"@error\":"u8);
        RpcHttpProblem.Write(fault, fault.Status.Code.ToHttpStatus(), call.ReplyTrailersOrNull, _output);
        _output.Write(isEvent ? "\n\n"u8 : "}\n"u8);
    }

    private void AppendEnd()
    {
        _output.Write("event: end\ndata: "u8);
        using (Utf8JsonWriter writer = new(_output))
        {
            writer.WriteStartObject();
            RpcHttpProblem.WriteTrailers(writer, call.ReplyTrailersOrNull);
            writer.WriteEndObject();
        }

        _output.Write("\n\n"u8);
    }
}
