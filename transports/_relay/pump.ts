import type { Connection } from "../transport.ts";

const BUFFER_BYTES = 64 * 1024;

/**
 * Copies what one connection reads to what the other writes, up to the end, which
 * is passed on as a half-close. A slow writer slows the reader. The other one may
 * still be dialled: the first read does not wait for it, and sees a cut.
 *
 * @param count Told of each number of bytes that were written.
 */
export async function pump(
  from: Connection,
  to: Connection | Promise<Connection>,
  count: (bytes: number) => void,
): Promise<void> {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let read = await from.read(buffer);
  const sink = await to;
  while (read !== null) {
    await sink.write(buffer.subarray(0, read));
    count(read);
    read = await from.read(buffer);
  }
  await sink.closeWrite();
}
