using Google.Protobuf.WellKnownTypes;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>What is demanded of a service is demanded wherever it stands.</summary>
public sealed class ServiceAttributeTests
{
    [AttributeUsage(AttributeTargets.All)]
    private sealed class DemandAttribute(string name) : Attribute
    {
        public string Name => name;
    }

    private interface IQueries
    {
        StringValue Find(StringValue request);
    }

    [Demand("contract")]
    private interface IStock : IQueries
    {
        [Demand("method")]
        StringValue Buy(StringValue request);
    }

    [Fact]
    public void Attributes_OfAContract_HoldForWhatItInherits() =>
        Assert.Equal(["contract", "class"], DemandsOf(typeof(IQueries), nameof(IQueries.Find)));

    [Fact]
    public void Attributes_OfContractClassAndMethods_AreAllThereTheClosestLast() =>
        Assert.Equal(["contract", "class", "method", "implementation"], DemandsOf(typeof(IStock), nameof(IStock.Buy)));

    private static IEnumerable<string> DemandsOf(System.Type declaring, string method) =>
        new RpcServiceClass(typeof(Stock)).Find(declaring, method, typeof(StringValue)).Attributes.OfType<DemandAttribute>().Select(item => item.Name);

    [Demand("class")]
    private sealed class Stock : IStock
    {
        // Explicit: no public method of the class has its name.
        [Demand("implementation")]
        StringValue IStock.Buy(StringValue request) => request;

        StringValue IQueries.Find(StringValue request) => request;
    }
}
