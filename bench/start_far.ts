import type { FarEnd } from "./wires.ts";

/** The process of the far end, and its addresses. */
export interface Far extends FarEnd, AsyncDisposable {}

/** Starts the far end, and waits until it listens. */
export async function startFar(): Promise<Far> {
  const folder = await Deno.makeTempDir();
  const script = new URL("far.ts", import.meta.url).href;
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", script, folder],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = process.stdout
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader();
  let text = "";
  while (!text.endsWith("\n")) {
    const { value } = await output.read();
    if (value === undefined) {
      throw new Error("Cannot start the far end: it has ended");
    }
    text += value;
  }
  return {
    ...JSON.parse(text),
    async [Symbol.asyncDispose]() {
      await process.stdin.close();
      await output.cancel();
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
