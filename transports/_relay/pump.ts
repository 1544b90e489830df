import type { Connection } from "../transport.ts";

const BUFFER_BYTES = 64 * 1024;

/**
 * Copies what one connection reads to what the other writes, up to the end, which
 * is passed on as a half-close. A slow writer slows the reader.
 *
 * @param count Told of each number of bytes that were written.
 */
export async function pump(
  from: Connection,
  to: Connection,
  count: (bytes: number) => void,
): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  for (;;) {
    const read = await from.read(buffer);
    if (read === null) return await to.closeWrite();
    await to.write(buffer.subarray(0, read));
    count(read);
  }
}
