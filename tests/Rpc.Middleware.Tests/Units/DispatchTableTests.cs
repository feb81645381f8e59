using System.Buffers;
using System.Text;
using Hello;
using Kestrel.Rpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Kestrel.Rpc.Middleware.Tests;

/// <summary>From protocol data to end points.</summary>
public sealed class DispatchTableTests
{
    private static readonly RpcEndpoint Hello = Endpoint("helloworld/Hello", "pkg.Greeter/Hello");
    private static readonly RpcEndpoint Bye = Endpoint("helloworld/Bye");

    private readonly RpcDispatchTable _table = new([Hello, Bye]);

    [Theory]
    [InlineData("""{"service_name":"helloworld","method_name":"Hello"}""", "helloworld/Hello")]
    [InlineData("""{"service_name":"pkg.Greeter","method_name":"Hello"}""", "pkg.Greeter/Hello")]
    [InlineData("""{"service_name":"helloworld","method_name":"Bye"}""", "helloworld/Bye")]
    [InlineData("""{"method_name":"Bye","service_name":"helloworld"}""", "helloworld/Bye")]
    [InlineData("""  { "service_name" : "helloworld" , "x":[{"y":null}], "method_name" : "\u0042ye" }  """, "helloworld/Bye")]
    public void Find_KnownMethodInAnySpellingAndSegments_FindsIt(string protocolData, string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(protocolData);

        // Twice: the second time nothing is parsed.
        for (int time = 0; time < 2; time++)
        {
            for (int split = 0; split < bytes.Length; split++)
            {
                RpcSpelling? found = _table.Find(Sequence(bytes, split), out _);
                Assert.Equal(name, found?.Route.Name.ToString());
                Assert.Equal(bytes, found?.Bytes);
            }
        }
    }

    [Theory]
    [InlineData("""{"service_name":"helloworld","method_name":"hello"}""", RpcErrorCode.Server, "Service 'helloworld' has no method 'hello'.")]
    [InlineData("""{"service_name":"HelloWorld","method_name":"Hello"}""", RpcErrorCode.Server, "There is no service 'HelloWorld'.")]
    [InlineData("""{"service_name":"","method_name":""}""", RpcErrorCode.Server, "There is no service ''.")]
    [InlineData("""{"service_name":"helloworld"}""", RpcErrorCode.Decoding, "The protocol data is not accepted: MissingMethodName.")]
    [InlineData("[]", RpcErrorCode.Decoding, "The protocol data is not accepted: Malformed.")]
    [InlineData("", RpcErrorCode.Decoding, "The protocol data is not accepted: Malformed.")]
    public void Find_LeadsNowhere_SaysWhy(string protocolData, RpcErrorCode code, string message)
    {
        Assert.Null(_table.Find(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(protocolData)), out RpcFault fault));

        Assert.Equal((code, message), (fault.Code, fault.Message));
        Assert.Equal(0, _table.RememberedSpellings);
    }

    [Fact]
    public void Find_EndlessSpellings_RemembersABoundedNumberAndFindsAll()
    {
        for (int i = 0; i < RpcDispatchTable.MaxSpellings + 500; i++)
        {
            byte[] bytes = Encoding.UTF8.GetBytes($$"""{"service_name":"helloworld","method_name":"Bye","i":{{i}}}""");
            Assert.Same(Bye, _table.Find(new ReadOnlySequence<byte>(bytes), out _)?.Route.Endpoint);
        }

        Assert.Equal(RpcDispatchTable.MaxSpellings, _table.RememberedSpellings);
    }

    [Fact]
    public void Find_LongSpelling_IsFoundAndNotRemembered()
    {
        string filler = new(' ', RpcDispatchTable.MaxSpellingLength);
        byte[] bytes = Encoding.UTF8.GetBytes($$"""{"service_name":"helloworld",{{filler}}"method_name":"Bye"}""");

        Assert.Same(Bye, _table.Find(new ReadOnlySequence<byte>(bytes), out _)?.Route.Endpoint);
        RpcSpelling? found = _table.Find(Sequence(bytes, 7), out _);
        Assert.Same(Bye, found?.Route.Endpoint);
        Assert.Equal(found?.Route.Name.ProtocolData.ToArray(), found?.Bytes);
        Assert.Equal(0, _table.RememberedSpellings);
    }

    private static RpcEndpoint Endpoint(params string[] names)
    {
        RpcMethodName[] parsed = [.. names.Select(RpcMethodName.Parse)];
        return new RpcEndpoint(
            parsed[0], parsed, EndpointMetadataCollection.Empty, names[0], default, RpcRequestParsers.Create<HelloRequest>(), _ => default, _ => default);
    }

    private static ReadOnlySequence<byte> Sequence(byte[] bytes, int split)
    {
        if (split == 0)
        {
            return new ReadOnlySequence<byte>(bytes);
        }

        Segment first = new(bytes.AsMemory(0, split), 0);
        Segment last = new(bytes.AsMemory(split), split);
        first.Append(last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index)
        {
            Memory = memory;
            RunningIndex = index;
        }

        public void Append(Segment next) => Next = next;
    }
}
