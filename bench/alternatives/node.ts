import { TextLineStream } from "@std/streams";

/** Runs jobs of vscode-jsonrpc on Node; one process runs all of them. */
export interface Job {
  readonly address: unknown;
  readonly count: number;
  readonly inFlight: number;
}

let node: ReturnType<typeof start> | undefined;

/** Runs a job on Node, and returns its time in milliseconds. */
export async function runOnNode(job: Job): Promise<number> {
  node ??= start();
  await node.jobs.write(`${JSON.stringify(job)}\n`);
  const { value } = await node.results.read();
  if (value === undefined) throw new Error("Cannot run a job: Node has exited");
  return Number(value);
}

/** Ends the process, if it was started. */
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
