import { AsyncProtocol, type Codec, jsonLines } from "../../mod.ts";
import type { Row } from "../harness.ts";
import { event } from "../parts.ts";
import { type Raw, writeAll } from "../raw.ts";
import type { Wire } from "../wires.ts";

type Event = typeof event;

const WRITE_BYTES = 64 * 1024;
const encoder = new TextEncoder();

export const send: Row = {
  name: "send",
  title: "send JSON lines of 80 bytes",
  unit: "messages",
  target: 0.95,
  parley,
  limit,
  alternatives: {
    "conn.writable, one write per line": {
      run: eachLine,
      target: 1,
      over: (wire) => wire.conn !== undefined,
    },
  },
};

class Sender extends AsyncProtocol<Event> {
  protected override createCodec(): Codec<Event> {
    return jsonLines();
  }

  /** Waits for room after each burst: the last promise stands for all. */
  async sendAll(count: number): Promise<void> {
    for (let i = 1; i <= count; i++) {
      const room = this.send(event);
      if (i % 64 === 0) await room;
    }
    await this.flush();
  }
}

async function parley(wire: Wire, count: number): Promise<number> {
  await using sender = new Sender();
  await sender.connect(wire.transport("sink"));
  const start = performance.now();
  await sender.sendAll(count);
  return performance.now() - start;
}

/** Collects the text of one turn, then encodes and writes it at once. */
class RawSender {
  readonly #raw: Raw;
  readonly #bytes = new Uint8Array(3 * 2 * WRITE_BYTES);
  #text = "";
  #writing: Promise<void> | undefined;

  constructor(raw: Raw) {
    this.#raw = raw;
  }

  /** Returns a promise if the caller has to wait. */
  send(message: Event): Promise<void> | undefined {
    this.#text += JSON.stringify(message) + "\n";
    this.#writing ??= this.#write();
    return this.#text.length > WRITE_BYTES ? this.#writing : undefined;
  }

  async #write(): Promise<void> {
    await undefined;
    while (this.#text) {
      const { written } = encoder.encodeInto(this.#text, this.#bytes);
      this.#text = "";
      await writeAll(this.#raw, this.#bytes.subarray(0, written));
    }
    this.#writing = undefined;
  }

  async end(): Promise<void> {
    await this.#writing;
    this.#raw.close();
  }
}

async function limit(wire: Wire, count: number): Promise<number> {
  const sender = new RawSender(await wire.raw("sink"));
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const room = sender.send(event);
    if (room) await room;
  }
  await sender.end();
  return performance.now() - start;
}

async function eachLine(wire: Wire, count: number): Promise<number> {
  const conn = await wire.conn?.("sink");
  if (!conn) throw new Error("Cannot send: memory has no Deno.Conn");
  const start = performance.now();
  const writer = conn.writable.getWriter();
  for (let i = 0; i < count; i++) {
    await writer.write(encoder.encode(JSON.stringify(event) + "\n"));
  }
  const took = performance.now() - start;
  conn.close();
  return took;
}
