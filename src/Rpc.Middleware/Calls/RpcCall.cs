using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Kestrel.Rpc.Middleware;

/// <summary>
/// A call from the moment its request was read until its reply was written; pooled by its connection. One owner at a time:
/// the read loop, then whoever runs the handler, then the reply queue.
/// </summary>
internal sealed partial class RpcCall : RpcServedCall, IThreadPoolWorkItem, IRpcDedicatedWork
{
    private const string NoReply = "The handler gave no reply.";

    private readonly RpcServerConnection _owner;
    private readonly Action _onPipelineEnded;
    private RpcRoute? _route;
    private uint _sequenceId;
    private object? _request;
    private AsyncServiceScope? _scope;
    private IFeatureCollection? _features;
    private Dictionary<object, object?>? _items;
    private ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter _pipeline;
    private RpcMetadata? _replyMetadata; // in version 1, where nobody gets it
    private RpcMetadata? _replyTrailers; // likewise

    public RpcCall(RpcServerConnection owner, bool isPooled, RpcVersion2Session? version2 = null)
    {
        _owner = owner;
        IsPooled = isPooled;
        Version2 = version2 is null ? null : new RpcVersion2Call(this, version2, new RpcCallCancellation(owner));
        Plugged = owner.Plugged is null ? null : new RpcPluggedCall(this, owner);
        _onPipelineEnded = OnPipelineEnded;
    }

    /// <summary>The next one in its pool.</summary>
    public RpcCall? NextInList { get; set; }

    public bool IsPooled { get; }

    /// <summary>What the call has in version 2; null in version 1.</summary>
    public RpcVersion2Call? Version2 { get; }

    /// <summary>What the call has in a protocol that the application has brought; null in our own.</summary>
    public RpcPluggedCall? Plugged { get; }

    public override RpcStatusCode? CancelledWith => Version2 is not null ? Version2.CancelledWith
        : Plugged is not null ? Plugged.CancelledWith
        : OwnCancelledWith;

    public bool HasScope => _scope is not null;

    public override RpcMessageFormat ReplyFormat => _route!.Endpoint.ReplyFormat;

    public ReadOnlySpan<byte> ReplyProtocolData => _route!.ReplyProtocolData.Span;

    public override RpcEndpoint Endpoint
    {
        get
        {
            ThrowIfEnded(this);
            return _route!.Endpoint;
        }
    }

    public override RpcMethodName Name
    {
        get
        {
            ThrowIfEnded(this);
            return _route!.Name;
        }
    }

    public override uint SequenceId
    {
        get
        {
            ThrowIfEnded(this);
            return _sequenceId;
        }
    }

    public override ConnectionContext Connection
    {
        get
        {
            ThrowIfEnded(this);
            return _owner.Connection;
        }
    }

    public override object Request
    {
        get
        {
            ThrowIfEnded(this);
            return _request ?? throw new InvalidOperationException(
                $"'{Name}' has a stream of requests, which only its handler reads: there is no Request. See RpcContext.Shape.");
        }
    }

    public override object? Reply
    {
        get
        {
            ThrowIfEnded(this);
            return field;
        }

        set
        {
            ThrowIfEnded(this);
            field = value;
        }
    }

    public override CancellationToken CancellationToken
    {
        get
        {
            ThrowIfEnded(this);
            return Version2?.CancellationToken ?? Plugged?.CancellationToken ?? OwnToken;
        }
    }

    public override IServiceProvider RequestServices
    {
        get
        {
            ThrowIfEnded(this);
            return (_scope ??= _owner.Server.Services.CreateAsyncScope()).ServiceProvider;
        }
    }

    public override IFeatureCollection Features
    {
        get
        {
            ThrowIfEnded(this);
            return _features ??= new FeatureCollection(_owner.Connection.Features);
        }
    }

    public override IDictionary<object, object?> Items
    {
        get
        {
            ThrowIfEnded(this);
            return _items ??= [];
        }
    }

    public void Start(uint sequenceId, long receivedAt)
    {
        NoteStart(this);
        _sequenceId = sequenceId;
        ReceivedAt = receivedAt;
        _isObserved = _owner.IsObserved;
    }

    /// <summary>Whether the call of version 2 has this id and is under way. Any thread.</summary>
    public bool IsUnderWay(uint id) => Version2!.IsUnderWay(id);

    /// <summary>Makes the call ready to run, or fails it if the body is not the request message.</summary>
    public bool TryPrepare(RpcRoute route, in ReadOnlySequence<byte> body)
    {
        _route = route;
        RpcEndpoint endpoint = route.Endpoint;
        if (_isObserved)
        {
            ObserveDispatched(body);
        }

        if (endpoint.Deadline is { } deadline)
        {
            LimitTime(deadline);
        }

        if (endpoint.Parser is not { } parser)
        {
            return TryPrepareStream();
        }

        try
        {
            _request = parser(body);
            return endpoint.Shape == RpcMethodShape.Unary || TryPrepareStream();
        }
        catch (Exception exception)
        {
            // The body is not the message; or the message's own code failed, which must not end the connection either.
            Fail(exception);
            return false;
        }
    }

    /// <summary>Runs the pipeline.</summary>
    /// <returns>
    /// True if the call has ended and the caller must send the reply; false if it goes on, and sends its reply itself.
    /// </returns>
    public bool TryRun()
    {
        try
        {
            _startingThread = Environment.CurrentManagedThreadId;
            RpcDelegate whole = _route!.Endpoint.Pipeline;
            ValueTask pipeline = _isObserved ? RunObserved(whole) : whole(this);

            // Before the continuation is registered: this thread may meet the call again, with nothing below on its stack.
            _startingThread = 0;
            if (!pipeline.IsCompleted)
            {
                // A copy: once the continuation is registered, this object may already belong to someone else.
                ConfiguredValueTaskAwaitable.ConfiguredValueTaskAwaiter awaiter = pipeline.ConfigureAwait(false).GetAwaiter();
                _pipeline = awaiter;
                awaiter.UnsafeOnCompleted(_onPipelineEnded);
                return false;
            }

            pipeline.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            // Whatever a handler throws fails its call only.
            _startingThread = 0;
            Fail(exception);
        }

        return TryEnd();
    }

    /// <summary>The thread pool's entry.</summary>
    public void Execute()
    {
        if (IsLate)
        {
            Refuse(RpcConcurrencyGate.Late);
            return;
        }

        if (TryRun())
        {
            _owner.Replies.Send(this);
        }
    }

    /// <summary>Forgets everything about the call.</summary>
    public void Reset()
    {
        Reply = null;
        Fault = null;
        NoteEnd(this);
        _route = null;
        _sequenceId = 0;
        _request = null;
        _scope = null;
        _features = null;
        _items = null;
        _user = null;
        _pipeline = default;
        _replyMetadata = null;
        _replyTrailers = null;
        _replyAttachment = default;
        ResetTimeLimit();
        Version2?.Reset();
        Plugged?.Reset();
    }

    private void OnPipelineEnded()
    {
        try
        {
            _pipeline.GetResult();
        }
        catch (Exception exception)
        {
            // As in TryRun.
            Fail(exception);
        }

        if (TryEnd())
        {
            _owner.Replies.Send(this);
        }
    }

    // The scope ends before the reply is sent: what is saved when a scope ends is saved when the caller is told so.
    private bool TryEnd()
    {
        if (_scope is { } scope)
        {
            ValueTask disposal;
            try
            {
                disposal = scope.DisposeAsync();
            }
            catch (Exception exception)
            {
                // A service of the application failed; so the call has.
                disposal = ValueTask.FromException(exception);
            }

            if (!disposal.IsCompletedSuccessfully)
            {
                _ = EndScopeAsync(disposal);
                return false;
            }
        }

        return !TryEndStreams();
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "Awaited once, by this method alone.")]
    private async Task EndScopeAsync(ValueTask disposal)
    {
        try
        {
            await disposal.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // A service of the application failed; so the call has.
            Fail(exception);
        }

        if (!TryEndStreams())
        {
            _owner.Replies.Send(this);
        }
    }

    public override void Fail(Exception exception) => Fault = RpcExceptions.ToFault(exception, this, _owner.Server, _owner.Logger);
}
