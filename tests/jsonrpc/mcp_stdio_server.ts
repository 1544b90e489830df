// A server of the MCP SDK on this process's own standard input and output.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { toMcpTransport } from "../../jsonrpc/mcp.ts";
import { ownStdio } from "../../mod.ts";

const server = new McpServer({ name: "test", version: "1.0.0" });
server.registerTool("greet", { description: "Greets" }, () => {
  console.log("console.log() does not corrupt the protocol");
  return { content: [{ type: "text", text: "Hello" }] };
});
await server.connect(toMcpTransport(ownStdio()));
