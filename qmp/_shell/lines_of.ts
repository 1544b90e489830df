import { TextLineStream } from "../_deps.ts";

/** The lines of a stream of bytes; the last one may have no end. */
export function linesOf(
  input: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<string> {
  return input
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
}
