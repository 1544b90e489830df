/** Pseudo-random bytes: an error of order or of place shows. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed * 2654435761 >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Writes everything in chunks, awaiting each, and ends. */
export async function send(
  writable: WritableStream<Uint8Array>,
  bytes: Uint8Array,
  chunkSize: number | (() => number) = 64 * 1024,
): Promise<void> {
  const writer = writable.getWriter();
  for (let start = 0; start < bytes.length;) {
    const size = typeof chunkSize === "number" ? chunkSize : chunkSize();
    await writer.write(bytes.subarray(start, start + size));
    start += size;
  }
  await writer.close();
}

/** Reads exactly so many bytes through a reader's own buffer. */
export async function readExactly(
  reader: ReadableStreamBYOBReader,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let bytes = new Uint8Array(length);
  for (let start = 0; start < length;) {
    const { done, value } = await reader.read(bytes.subarray(start));
    if (done) throw new Error(`Stream ended after ${start} of ${length} bytes`);
    bytes = new Uint8Array(value.buffer);
    start += value.length;
  }
  return bytes;
}
