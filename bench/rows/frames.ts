import { AsyncProtocol, type Codec, lengthPrefixed } from "../../mod.ts";
import type { Row } from "../harness.ts";
import { FRAME_BYTES } from "../parts.ts";
import { type Raw, writeAll } from "../raw.ts";
import type { Wire } from "../wires.ts";

const encoder = new TextEncoder();

export const frames: Row = {
  name: "frames",
  title: "receive length-prefixed binary messages of 1 MiB",
  unit: "messages",
  target: 0.9,
  parley,
  limit,
  alternatives: {
    "conn.readable, BYOB reads": {
      run: byob,
      target: 1,
      over: (wire) => wire.conn !== undefined,
    },
  },
};

class Receiver extends AsyncProtocol<Uint8Array> {
  #left: number;
  readonly #done = Promise.withResolvers<void>();

  constructor(count: number) {
    super({ maxMessageBytes: FRAME_BYTES });
    this.#left = count;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Asks the far end for `count` messages. */
  ask(count: number): Promise<void> {
    return this.send(encoder.encode(`${count}`));
  }

  protected override createCodec(): Codec<Uint8Array> {
    return lengthPrefixed({ maxMessageBytes: this.maxMessageBytes });
  }

  protected override onMessage(message: Uint8Array): void {
    check(message);
    if (--this.#left === 0) this.#done.resolve();
  }
}

async function parley(wire: Wire, count: number): Promise<number> {
  await using receiver = new Receiver(count);
  await receiver.connect(wire.transport("frames"));
  const start = performance.now();
  await receiver.ask(count);
  await receiver.done;
  return performance.now() - start;
}

async function limit(wire: Wire, count: number): Promise<number> {
  const raw = await wire.raw("frames");
  const start = performance.now();
  await writeAll(raw, encoder.encode(`${count}`));
  const header = new Uint8Array(4);
  for (let i = 0; i < count; i++) {
    await readAll(raw, header);
    // New memory for each message: the receiver may keep it, as with Parley.
    const message = new Uint8Array(new DataView(header.buffer).getUint32(0));
    await readAll(raw, message);
    check(message);
  }
  const took = performance.now() - start;
  raw.close();
  return took;
}

async function readAll(raw: Raw, into: Uint8Array): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const count = await raw.read(into.subarray(filled));
    if (count === null) {
      throw new Error("Cannot receive: the far end has ended");
    }
    filled += count;
  }
}

async function byob(wire: Wire, count: number): Promise<number> {
  const conn = await wire.conn?.("frames");
  if (!conn) throw new Error("Cannot receive: memory has no Deno.Conn");
  const start = performance.now();
  await conn.write(encoder.encode(`${count}`));
  const reader = conn.readable.getReader({ mode: "byob" });
  const read = async (length: number) => {
    const { value } = await reader.read(new Uint8Array(length), {
      min: length,
    });
    if (!value) throw new Error("Cannot receive: the far end has ended");
    return value;
  };
  for (let i = 0; i < count; i++) {
    const header = await read(4);
    check(await read(new DataView(header.buffer).getUint32(0)));
  }
  const took = performance.now() - start;
  await reader.cancel();
  return took;
}

function check(message: Uint8Array): void {
  if (message.length !== FRAME_BYTES) {
    throw new Error(`A message has ${message.length} bytes`);
  }
}
