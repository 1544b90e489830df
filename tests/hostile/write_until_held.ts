import type { Connection } from "../../transports/mod.ts";

/** If the peer takes nothing for this time, it holds the writer. */
const STALL_MS = 500;

/**
 * Writes a chunk again and again: up to a number of bytes, or until the peer
 * holds or ends the connection. Reads nothing. Returns how many bytes went out.
 */
export async function writeUntilHeld(
  connection: Connection,
  chunk: Uint8Array,
  goal: number,
): Promise<number> {
  const writer = connection.writable.getWriter();
  let sent = 0;
  try {
    while (sent < goal) {
      const { promise: stalled, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => resolve(true), STALL_MS);
      const written = writer.write(chunk).then(() => false);
      written.catch(() => {}); // It fails when the connection is aborted later.
      const held = await Promise.race([written, stalled])
        .finally(() => clearTimeout(timer));
      if (held) break;
      sent += chunk.length;
    }
  } catch {
    // The peer has ended the connection, which is a valid defence.
  } finally {
    writer.releaseLock();
  }
  return sent;
}
