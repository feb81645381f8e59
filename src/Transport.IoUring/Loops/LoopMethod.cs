using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Kestrel.Rpc.Transport;

/// <summary>
/// What an <see langword="async"/> method returns that awaits nothing but <see cref="LoopOperation"/>s, and that nobody awaits: it
/// runs on its loop's thread from the beginning to the end.
/// </summary>
/// <remarks>
/// Two of them belong to every connection for as long as it lives, so they hold what they need and nothing more: no
/// <see cref="Task"/>, no execution context, no delegate. What such a method throws its loop reports.
/// </remarks>
[AsyncMethodBuilder(typeof(LoopMethodBuilder))]
internal readonly struct LoopMethod;

/// <summary>A method that waits for a <see cref="LoopOperation"/>.</summary>
internal abstract class LoopContinuation
{
    /// <summary>Goes on until the method waits again, or ends.</summary>
    public abstract void Run();
}

/// <summary>Makes a <see cref="LoopMethod"/> of what the compiler makes of the method.</summary>
[SuppressMessage("Performance", "CA1822:Mark members as static", Justification = "The compiler calls them on an instance.")]
internal struct LoopMethodBuilder
{
    private LoopContinuation? _waiting; // from the first wait on

    // The compiler looks for it; there is nothing to wait for.
    public readonly LoopMethod Task => default;

    public static LoopMethodBuilder Create() => default;

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetResult()
    {
    }

    // Not thrown on: whoever completed the operation that the method waited for has work of its own to finish.
    public readonly void SetException(Exception exception) => EventLoop.ReportFaultOfCurrent(exception);

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ILoopAwaiter
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Wait(ref stateMachine));

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ILoopAwaiter
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Wait(ref stateMachine));

    private LoopContinuation Wait<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_waiting is null)
        {
            var waiting = new Waiting<TStateMachine>();
            _waiting = waiting; // this builder is a part of the state machine: known before the copy
            waiting.StateMachine = stateMachine;
        }

        return _waiting;
    }

    private sealed class Waiting<TStateMachine> : LoopContinuation
        where TStateMachine : IAsyncStateMachine
    {
        public TStateMachine StateMachine = default!;

        public override void Run() => StateMachine.MoveNext();
    }
}
