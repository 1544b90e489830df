/** The end of a program, and its output. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs Deno to its end, with this text as its input; in the project's folder. */
export async function runDeno(
  args: string[],
  input = "",
  env: Record<string, string> = {},
  cwd: string | URL = new URL("../../", import.meta.url),
): Promise<Outcome> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    feed(child.stdin, input),
  ]);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  input: string,
): Promise<void> {
  try {
    await new Blob([input]).stream().pipeTo(stdin);
  } catch (error) {
    // A program need not read all its input.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
