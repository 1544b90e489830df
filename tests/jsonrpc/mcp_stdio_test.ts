import { assertEquals } from "@std/assert";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { toMcpTransport } from "../../jsonrpc/mcp.ts";
import { stdio } from "../../mod.ts";

const config = new URL("../../deno.json", import.meta.url).pathname;
const server = new URL("mcp_stdio_server.ts", import.meta.url).pathname;
const command = Deno.execPath();
const args = ["run", "-A", "--no-check", "--config", config, server];
const greeting = [{ type: "text", text: "Hello" }];

Deno.test("the SDK's client over stdio() talks to a server on ownStdio(), which ends with its input", async () => {
  const connection = await stdio({ command, args }).connect();
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(toMcpTransport(connection));
  assertEquals((await client.callTool({ name: "greet" })).content, greeting);
  await client.close();
  await connection.closed; // The process has ended.
});

Deno.test({
  name: "the SDK's own stdio client talks to a server on ownStdio()",
  // The SDK leaves a timer of its own behind.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(
      new StdioClientTransport({ command, args, stderr: "ignore" }),
    );
    assertEquals((await client.callTool({ name: "greet" })).content, greeting);
    await client.close();
  },
});

Deno.test("the SDK's client over stdio() talks to an example server of the SDK", async () => {
  const example =
    "npm:@modelcontextprotocol/sdk@1.32.2/examples/server/mcpServerOutputSchema.js";
  const connection = await stdio({ command, args: ["run", "-A", example] })
    .connect();
  const client = new Client({ name: "test", version: "1.0.0" });
  await client.connect(toMcpTransport(connection));
  const { tools } = await client.listTools();
  assertEquals(tools.map(({ name }: { name: string }) => name), [
    "get_weather",
  ]);
  await client.close();
  await connection.closed;
});
