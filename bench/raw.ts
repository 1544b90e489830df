import type { Connection } from "../mod.ts";

/**
 * The raw operations that a hand-written loop uses. A `Deno.Conn` has them.
 */
export interface Raw {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

/** The raw operations of a connection in memory. */
export function rawOf(connection: Connection): Raw {
  return {
    read: (into) => connection.read(into),
    async write(bytes) {
      await connection.write(bytes);
      return bytes.length;
    },
    close: () => connection.abort(),
  };
}

/** Writes all bytes: one write may take only a part. */
export async function writeAll(raw: Raw, bytes: Uint8Array): Promise<void> {
  let written = await raw.write(bytes);
  while (written < bytes.length) {
    written += await raw.write(bytes.subarray(written));
  }
}
