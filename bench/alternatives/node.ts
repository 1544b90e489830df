import { TextLineStream } from "@std/streams";

/** Jobs of vscode-jsonrpc, done by Node; there is one process for all of them. */
export interface Job {
  readonly address: unknown;
  readonly count: number;
  readonly inFlight: number;
}

let node: ReturnType<typeof start> | undefined;

/** Has Node do a job, and says in how many milliseconds. */
export async function runOnNode(job: Job): Promise<number> {
  node ??= start();
  await node.jobs.write(`${JSON.stringify(job)}\n`);
  const { value } = await node.results.read();
  if (value === undefined) throw new Error("Node has ended");
  return Number(value);
}

/** Ends the process, where there is one. */
export async function stopNode(): Promise<void> {
  if (!node) return;
  await node.jobs.close();
  await node.results.cancel();
  await node.process.status;
  node = undefined;
}

function start() {
  const script = new URL("vscode_jsonrpc.mjs", import.meta.url);
  const process = new Deno.Command("node", {
    args: [script.pathname, import.meta.resolve("vscode-jsonrpc/node")],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = new TextEncoderStream();
  input.readable.pipeTo(process.stdin);
  const results = process.stdout
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new TextLineStream());
  return {
    process,
    jobs: input.writable.getWriter(),
    results: results.getReader(),
  };
}
