import type { Connection } from "../mod.ts";

/**
 * The raw operations that a loop written by hand uses: `Deno.Conn` is one as it
 * stands.
 */
export interface Raw {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** A connection in memory has its streams, and nothing below them. */
export function rawStreams(connection: Connection): Raw {
  const reader = connection.readable.getReader({ mode: "byob" });
  const writer = connection.writable.getWriter();
  for (const { closed } of [reader, writer]) closed.catch(() => {});
  let scratch = new Uint8Array(64 * 1024);
  return {
    async read(into) {
      const { value } = await reader.read(scratch.subarray(0, into.length));
      if (!value?.length) return null;
      scratch = new Uint8Array(value.buffer);
      into.set(value);
      return value.length;
    },
    async write(bytes) {
      await writer.write(bytes);
      return bytes.length;
    },
    close: () => connection.abort(),
  };
}

/** Writes all of the bytes: a write may take a part. */
export async function writeAll(raw: Raw, bytes: Uint8Array): Promise<void> {
  let written = await raw.write(bytes);
  while (written < bytes.length) {
    written += await raw.write(bytes.subarray(written));
  }
}
