using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Kestrel.Rpc.Benchmarks.Load.Workloads;

namespace Kestrel.Rpc.Benchmarks.Load.Serve;

/// <summary>What the HTTP workloads answer.</summary>
internal static class HttpAnswers
{
    private static readonly byte[] Text = "Hello, World!"u8.ToArray();

    public static Task TextAsync(HttpContext context) => WriteAsync(context.Response, "text/plain", Text);

    public static Task BulkAsync(HttpContext context) => WriteAsync(context.Response, "application/octet-stream", BulkBody.Bytes);

    /// <summary>Reads the body as it comes, and answers with its length.</summary>
    public static async Task CountAsync(HttpContext context)
    {
        PipeReader body = context.Request.BodyReader;
        long length = 0;
        ReadResult read;
        do
        {
            read = await body.ReadAsync(context.RequestAborted);
            length += read.Buffer.Length;
            body.AdvanceTo(read.Buffer.End);
        }
        while (!read.IsCompleted);
        await WriteAsync(context.Response, "text/plain", Encoding.ASCII.GetBytes(length.ToString(CultureInfo.InvariantCulture)));
    }

    private static Task WriteAsync(HttpResponse response, string type, byte[] body)
    {
        response.ContentType = type;
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body, 0, body.Length);
    }
}
