using Microsoft.CodeAnalysis;

namespace Kestrel.Rpc.Analyzers;

/// <summary>
/// Reads what a handler takes and returns, by the rules of the binder at run time (src/Rpc.Middleware/Binding/RpcDelegateBinder.cs): they
/// must stay the same. One object for one handler.
/// </summary>
internal sealed class HandlerReader(HandlerMethod handler, Compilation compilation)
{
    private readonly List<Diagnostic> _faults = [];
    private readonly List<HandlerParameter> _parameters = [];
    private ITypeSymbol? _request;
    private ITypeSymbol? _writer;
    private bool _hasRequestStream;
    private bool _hasReplyStream;
    private bool _isPlain = true; // nothing about it that only the run time can do

    /// <summary>What is wrong with it. Once it was read.</summary>
    public IReadOnlyList<Diagnostic> Faults => _faults;

    /// <summary>The handler, if it can be bound at compile time; null leaves it to the run time.</summary>
    public HandlerShape? Read()
    {
        for (int i = 0; i < handler.Invoke.Parameters.Length; i++)
        {
            ReadParameter(handler.Invoke.Parameters[i], handler.Declared(i));
        }

        bool isKnown = handler.Invoke.Parameters.All(item => item.Type.TypeKind != TypeKind.Error);
        if (_request is null && _faults.Count == 0 && isKnown)
        {
            Fault(RpcDiagnostics.NoRequest, handler.Location);
        }

        HandlerResult? result = ReadResult(handler.Invoke.ReturnType);
        if (_faults.Count > 0 || !_isPlain || _request is null || result is not { } known)
        {
            return null;
        }

        int shape = (_hasRequestStream ? 1 : 0) + (_hasReplyStream ? 2 : 0);
        return new HandlerShape(
            DelegateType(),
            _request.Name(),
            shape,
            new EquatableArray<HandlerParameter>([.. _parameters]),
            handler.Invoke.ReturnType.Name(),
            known);
    }

    private void ReadParameter(IParameterSymbol parameter, IParameterSymbol declared)
    {
        ITypeSymbol type = parameter.Type;
        if (parameter.RefKind != RefKind.None || type.IsRefLikeType || type is IPointerTypeSymbol or IFunctionPointerTypeSymbol)
        {
            Fault(RpcDiagnostics.ByReference, At(declared), declared.Name);
            return;
        }

        if (type.TypeKind is TypeKind.Error or TypeKind.Dynamic or TypeKind.TypeParameter || !type.CanBeNamed(compilation) || parameter.IsParams)
        {
            _isPlain = false;
        }

        // Also of what is never left out: it is part of the delegate's type.
        string? value = declared.HasExplicitDefaultValue ? CodeLiterals.Of(declared.ExplicitDefaultValue, type) : null;
        _isPlain &= value is not null || !declared.HasExplicitDefaultValue;
        if (type.IsMessage())
        {
            SetRequest(type, declared);
            Add(HandlerParameterKind.Request);
        }
        else if (IsStream(type, out ITypeSymbol message))
        {
            ReadStream((INamedTypeSymbol)type, message, declared, value);
        }
        else if (type.Is(KnownNames.Context))
        {
            Add(HandlerParameterKind.Context);
        }
        else if (type.Is(KnownNames.CancellationToken))
        {
            Add(HandlerParameterKind.CancellationToken);
        }
        else if (type.Is(KnownNames.ServiceProvider))
        {
            Add(HandlerParameterKind.Services);
        }
        else
        {
            ReadService(type, declared, value);
        }

        void Add(HandlerParameterKind kind) => _parameters.Add(new HandlerParameter(kind, type.Name(), Default: value));
    }

    private void ReadStream(INamedTypeSymbol type, ITypeSymbol message, IParameterSymbol declared, string? value)
    {
        HandlerParameterKind kind = type.Is(KnownNames.StreamWriter, 1) ? HandlerParameterKind.Writer
            : type.Is(KnownNames.StreamReader, 1) ? HandlerParameterKind.Reader
            : HandlerParameterKind.ReadAll;
        if (kind != HandlerParameterKind.Writer)
        {
            SetRequest(message, declared);
            _hasRequestStream = true;
        }
        else if (_writer is not null)
        {
            Fault(RpcDiagnostics.TwoWriters, At(declared), _writer.Name, message.Name);
        }
        else
        {
            _writer = message;
            _hasReplyStream = true;
            _isPlain &= message.IsReferenceType;
        }

        _parameters.Add(new HandlerParameter(kind, message.Name(), Default: value));
    }

    private void SetRequest(ITypeSymbol type, IParameterSymbol declared)
    {
        if (_request is not null)
        {
            Fault(RpcDiagnostics.TwoRequests, At(declared), _request.Name, type.Name);
        }
        else if (type.TypeKind != TypeKind.TypeParameter && !type.IsConcreteMessage())
        {
            Fault(RpcDiagnostics.AbstractRequest, At(declared), declared.Name, type.Name);
        }

        _request ??= type;
    }

    private void ReadService(ITypeSymbol type, IParameterSymbol declared, string? value)
    {
        AttributeData? keyed = declared.FindAttribute(KnownNames.FromKeyedServices);
        string? key = null;
        if (keyed is { ConstructorArguments.Length: 1 } && !keyed.ConstructorArguments[0].IsNull)
        {
            key = CodeLiterals.Of(keyed.ConstructorArguments[0]);
            _isPlain &= key is not null;
        }

        if (!declared.HasExplicitDefaultValue && keyed is null && IsNoService(type))
        {
            Fault(RpcDiagnostics.Unbindable, At(declared), declared.Name, type.ToDisplayString());
            return;
        }

        _parameters.Add(new HandlerParameter(HandlerParameterKind.Service, type.Name(), declared.Name, key, value));
    }

    private HandlerResult? ReadResult(ITypeSymbol type)
    {
        INamedTypeSymbol? named = type as INamedTypeSymbol;
        bool isTaskOf = named.Is(KnownNames.Task, 1);
        bool isTask = type.Is(KnownNames.Task) || type.Is(KnownNames.ValueTask);
        if (_writer is not null)
        {
            return isTask ? new HandlerResult("", null) : Bad(RpcDiagnostics.WriterResult, _writer.Name, type.ToDisplayString());
        }

        ITypeSymbol stream = isTaskOf ? named!.TypeArguments[0] : type;
        if (stream.Is(KnownNames.AsyncEnumerable, 1) && IsStream(stream, out ITypeSymbol message))
        {
            _hasReplyStream = true;
            return Messages(isTaskOf ? "WriteAllOf" : "WriteAll", message);
        }

        if (type.SpecialType == SpecialType.System_Void)
        {
            return IsAsync(handler.Method) ? Bad(RpcDiagnostics.AsyncVoid) : new HandlerResult("FromNothing", null);
        }

        if (type.IsMessage())
        {
            _isPlain &= type.IsReferenceType && type.CanBeNamed(compilation);
            return new HandlerResult("FromMessage", null);
        }

        if (isTask)
        {
            return new HandlerResult("FromTask", null);
        }

        return (isTaskOf || named.Is(KnownNames.ValueTask, 1)) && named!.TypeArguments[0] is { IsReferenceType: true } reply && reply.IsMessage()
            ? Messages("FromTaskOf", reply)
            : type.TypeKind is TypeKind.Error or TypeKind.TypeParameter ? null : Bad(RpcDiagnostics.Result, type.ToDisplayString());
    }

    private HandlerResult Messages(string method, ITypeSymbol message)
    {
        _isPlain &= message.IsReferenceType && message.CanBeNamed(compilation);
        return new HandlerResult(method, message.Name());
    }

    private HandlerResult? Bad(DiagnosticDescriptor descriptor, params object[] arguments)
    {
        Fault(descriptor, handler.Location, arguments);
        return null;
    }

    // Null for types that only the compiler can name.
    private string? DelegateType() => handler.DelegateType is { IsImplicitlyDeclared: false } type && type.CanBeNamed(compilation)
        ? type.Name()
        : null;

    private void Fault(DiagnosticDescriptor descriptor, Location location, params object[] arguments) =>
        _faults.Add(Diagnostic.Create(descriptor, location, arguments));

    // A method of another assembly has no place here: then it is where the handler stands.
    private Location At(IParameterSymbol parameter) =>
        parameter.Locations.FirstOrDefault(item => item.IsInSource && handler.Location.SourceTree == item.SourceTree) ?? handler.Location;

    private static bool IsStream(ITypeSymbol type, out ITypeSymbol message)
    {
        bool isStream = type.Is(KnownNames.AsyncEnumerable, 1) || type.Is(KnownNames.StreamReader, 1) || type.Is(KnownNames.StreamWriter, 1);
        message = isStream ? ((INamedTypeSymbol)type).TypeArguments[0] : type;
        return isStream && message.IsMessage();
    }

    private static bool IsAsync(IMethodSymbol method) =>
        method.IsAsync || method.GetAttributes().Any(item => item.AttributeClass.Is(KnownNames.AsyncStateMachine));

    // Values and text are registered by nobody; the run time has the last word on all else.
    private static bool IsNoService(ITypeSymbol type) => type.IsValueType || type.SpecialType == SpecialType.System_String;
}
