namespace Kestrel.Rpc.Protocol;

/// <summary>
/// The receiver's side of method references: what each index of one connection stands for. Belongs to the read loop of the
/// connection, as the frames define indices in the order in which they come. Grows as indices are defined, up to its limit.
/// </summary>
/// <typeparam name="T">What is remembered of a method, for example its endpoint; also for a method that does not exist.</typeparam>
public sealed class RpcMethodTable<T>
    where T : class
{
    private const int FirstCapacity = 8;

    private T?[] _methods = [];

    /// <summary>Makes an empty table.</summary>
    /// <param name="limit">The highest index accepted, 0 to <see cref="RpcMethodReference.MaxIndex"/>. Default 256, which settings may raise.</param>
    public RpcMethodTable(int limit = RpcSettings.DefaultMethodTableSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, RpcMethodReference.MaxIndex);
        Limit = limit;
    }

    /// <summary>The highest index accepted.</summary>
    public int Limit { get; }

    /// <summary>Finds the method of a reference by index.</summary>
    /// <param name="index">The index.</param>
    /// <returns>The method; null if the index was never defined, which is <see cref="RpcHeaderError.UnknownMethodIndex"/>.</returns>
    public T? Find(int index)
    {
        T?[] methods = _methods;
        return (uint)index < (uint)methods.Length ? methods[index] : null;
    }

    /// <summary>Remembers the method of a reference that names it.</summary>
    /// <param name="index">The index of the reference; 0 remembers nothing.</param>
    /// <param name="method">The method.</param>
    /// <returns>
    /// <see cref="RpcHeaderError.None"/>, or <see cref="RpcHeaderError.BadMethodIndex"/> if the index is over the limit or defined already.
    /// </returns>
    public RpcHeaderError Define(int index, T method)
    {
        ArgumentNullException.ThrowIfNull(method);
        if (index == 0)
        {
            return RpcHeaderError.None;
        }

        if (index < 0 || index > Limit || Find(index) is not null)
        {
            return RpcHeaderError.BadMethodIndex;
        }

        if (index >= _methods.Length)
        {
            // At least doubled, so that indices in a row cost little; a high one costs at most the limit.
            Array.Resize(ref _methods, Math.Min(Limit + 1, Math.Max(index + 1, Math.Max(FirstCapacity, _methods.Length * 2))));
        }

        _methods[index] = method;
        return RpcHeaderError.None;
    }
}
