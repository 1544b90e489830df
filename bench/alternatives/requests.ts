import { TextLineStream } from "@std/streams";
import { createBirpc } from "birpc";
import * as rpc from "vscode-jsonrpc/node";
import type { Alternative } from "../harness.ts";
import type { Wire } from "../wires.ts";
import { runOnNode } from "./node.ts";
import { requests } from "./vscode_jsonrpc.mjs";

/** The alternatives for requests and replies. */
export function requestAlternatives(
  inFlight: number,
  timesNode: number,
): Record<string, Alternative> {
  const jobOf = (wire: Wire, count: number) => {
    const address = wire.node?.("jsonrpc");
    if (!address) {
      throw new Error(
        "Cannot run vscode-jsonrpc: memory has no address for Node",
      );
    }
    return { address, count, inFlight };
  };
  const over = (wire: Wire) => wire.node !== undefined;
  return {
    "vscode-jsonrpc on Node": {
      run: (wire, count) => runOnNode(jobOf(wire, count)),
      target: timesNode,
      over,
    },
    "vscode-jsonrpc in Deno": {
      run: (wire, count) => requests(rpc, jobOf(wire, count)),
      target: 1,
      over,
    },
    "birpc over TextLineStream": {
      run: (wire, count) => birpc(wire, count, inFlight),
      target: 1,
      over,
    },
  };
}

/** birpc has no framing: std splits the lines. */
async function birpc(
  wire: Wire,
  count: number,
  inFlight: number,
): Promise<number> {
  const conn = await wire.conn?.("birpc");
  if (!conn) throw new Error("Cannot run birpc: memory has no Deno.Conn");
  const encoder = new TextEncoder();
  const writer = conn.writable.getWriter();
  const lines = conn.readable
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new TextLineStream());
  let reading: Promise<void> | undefined;
  const peer = createBirpc<{ echo(text: string): string }>({}, {
    serialize: (message) => `${JSON.stringify(message)}\n`,
    deserialize: JSON.parse,
    post: (text) => writer.write(encoder.encode(text)),
    on(deliver) {
      reading = each(lines, deliver);
    },
  });
  let left = count;
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await peer.echo("twenty-one characters");
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const took = performance.now() - start;
  conn.close();
  await reading?.catch(() => {});
  return took;
}

async function each<T>(
  stream: ReadableStream<T>,
  deliver: (item: T) => void,
): Promise<void> {
  for await (const item of stream) deliver(item);
}
