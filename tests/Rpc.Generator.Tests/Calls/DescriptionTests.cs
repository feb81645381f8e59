using System.Reflection;
using Golden.Everything;
using Kestrel.Rpc.Client;
using Kestrel.Rpc.Protocol;
using Kestrel.Rpc.Protocol.Descriptors;

namespace Kestrel.Rpc.Generator.Tests;

/// <summary>What generated types say about themselves.</summary>
public sealed class DescriptionTests
{
    [Fact]
    public void Description_OfAService_HasItsMethods()
    {
        RpcServiceDescription description = Everything.Description;

        Assert.Equal("golden.everything.Everything", description.Name);
        Assert.Equal(["Ask", "Sum", "Count", "Chat", "Note", "OldAsk", "OldCount", "ask.v2"], description.Methods.Select(method => method.Name.Method));
        Assert.Equal(
            [RpcMethodShape.Unary, RpcMethodShape.ClientStreaming, RpcMethodShape.ServerStreaming, RpcMethodShape.DuplexStreaming],
            description.Methods.Take(4).Select(method => method.Shape));
        Assert.Equal("Note", Assert.Single(description.Methods, method => method.IsOneWay).Name.Method);
        Assert.Equal(
            ["golden.everything.Everything/AskAgain", "golden.everything.Everything/Ask2", "old.service/Ask"],
            description.Methods[^1].Aliases.Select(alias => alias.ToString()));
        Assert.Equal((typeof(Question), typeof(Answer)), (description.Methods[0].RequestType, description.Methods[0].ReplyType));
    }

    [Fact]
    public void Service_WithoutMethods_HasAnEmptyDescription() => Assert.Empty(WithoutMethods.Description.Methods);

    /// <summary>A member cannot be called as its class: the description of a service "Description" steps aside.</summary>
    [Fact]
    public void Description_OfAServiceCalledSo_HasAnotherName() =>
        Assert.Equal("golden.clashes.Description", Golden.Clashes.Description.ServiceDescription.Name);

    [Fact]
    public void Deprecated_ServicesAndMethods_AreObsolete()
    {
#pragma warning disable CS0612 // That is what is asked.
        Assert.NotNull(typeof(OldService).GetCustomAttribute<ObsoleteAttribute>());
#pragma warning restore CS0612
        Assert.Null(typeof(Everything).GetCustomAttribute<ObsoleteAttribute>());
        string[] obsolete = [.. typeof(Everything.EverythingClient).GetMethods().Concat(typeof(Everything.EverythingBase).GetMethods())
            .Where(method => method.IsDefined(typeof(ObsoleteAttribute))).Select(method => method.Name).Distinct()];
        Assert.Equal(["OldAskAsync", "StartOldAsk", "OldCount", "OldAsk"], obsolete);
    }

    /// <summary>A test may derive from a client and override what it calls; the invoker is not needed then.</summary>
    [Fact]
    public async Task Client_DerivedFromInATest_IsOverridden() =>
        Assert.Equal(99, (await new FakeClient().AskAsync(new Question()).Limited()).Number);

    [Fact]
    public void Client_WithoutInvoker_IsRefused() => Assert.Throws<ArgumentNullException>(() => new Everything.EverythingClient(null!));

    /// <summary>The generator reads the options by numbers of its own; they are those that Rpc.Protocol has.</summary>
    [Fact]
    public void Options_OfGeneratorAndLibrary_HaveTheSameNumbers() =>
        Assert.Equal(
            [RpcOptions.ServiceNameField, RpcOptions.MethodNameField, RpcOptions.OneWayField, RpcOptions.AliasField],
            [OptionsExtensions.ServiceName.FieldNumber, OptionsExtensions.MethodName.FieldNumber, OptionsExtensions.Oneway.FieldNumber, OptionsExtensions.Alias.FieldNumber]);

    private sealed class FakeClient : Everything.EverythingClient
    {
        public override ValueTask<Answer> AskAsync(
            Question request, TimeSpan? deadline = null, RpcMetadata? metadata = null, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(new Answer { Number = 99 });
    }
}
