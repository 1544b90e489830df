import { TextLineStream } from "../_deps.ts";

/** How long a script may take for a line after the session has ended. */
const GRACE_MS = 1_000;

/**
 * The lines of a script; the last one may lack its newline. When the session has
 * ended, the shell does not wait for more lines of the script.
 *
 * @throws The cause of the session's end, if it is not orderly and the script
 * has not ended.
 */
export async function* linesOf(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
  closed: Promise<void>,
): AsyncGenerator<string, void> {
  const reader = input
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream())
    .getReader();
  const late = Promise.withResolvers<"late">();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let reading = true;
  const onEnd = () => {
    if (reading) timer = setTimeout(() => late.resolve("late"), GRACE_MS);
  };
  closed.then(onEnd, onEnd);
  try {
    for (;;) {
      const line = await Promise.race([reader.read(), late.promise]);
      if (line === "late") return await closed;
      if (line.done) return;
      yield line.value;
    }
  } finally {
    reading = false;
    clearTimeout(timer);
    await reader.cancel();
  }
}
