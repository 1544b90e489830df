import { AsyncProtocol, type Codec, jsonLines } from "../../mod.ts";
import { TextLineStream } from "@std/streams";
import type { Row } from "../harness.ts";
import { event } from "../parts.ts";
import { writeAll } from "../raw.ts";
import type { Wire } from "../wires.ts";

type Event = typeof event;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const receive: Row = {
  name: "receive",
  title: "receive JSON lines of 80 bytes",
  unit: "messages",
  target: 0.95,
  parley,
  limit,
  alternatives: {
    "std: TextDecoderStream, TextLineStream, JSON.parse": {
      run: std,
      target: 1.4,
      over: (wire) => wire.conn !== undefined,
    },
  },
};

class Receiver extends AsyncProtocol<Event> {
  #left: number;
  readonly #done = Promise.withResolvers<void>();

  constructor(count: number) {
    super();
    this.#left = count;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Asks the far end for `count` messages. */
  ask(count: number): Promise<void> {
    return this.send({ event: "SEND", data: { device: "", offset: count } });
  }

  protected override createCodec(): Codec<Event> {
    return jsonLines();
  }

  protected override onMessage(message: Event): void {
    check(message);
    if (--this.#left === 0) this.#done.resolve();
  }
}

async function parley(wire: Wire, count: number): Promise<number> {
  await using receiver = new Receiver(count);
  await receiver.connect(wire.transport("lines"));
  const start = performance.now();
  await receiver.ask(count);
  await receiver.done;
  return performance.now() - start;
}

async function limit(wire: Wire, count: number): Promise<number> {
  const raw = await wire.raw("lines");
  const start = performance.now();
  await writeAll(raw, encoder.encode(`${count}\n`));
  const buffer = new Uint8Array(64 * 1024);
  let end = 0;
  let left = count;
  while (left > 0) {
    const count = await raw.read(buffer.subarray(end));
    if (count === null) {
      throw new Error("Cannot receive: the far end has ended");
    }
    end += count;
    const last = buffer.subarray(0, end).lastIndexOf(10);
    if (last < 0) continue;
    // All lines are decoded at once, and the text is split.
    const lines = decoder.decode(buffer.subarray(0, last)).split("\n");
    for (const line of lines) check(JSON.parse(line));
    left -= lines.length;
    buffer.copyWithin(0, last + 1, end);
    end -= last + 1;
  }
  const took = performance.now() - start;
  raw.close();
  return took;
}

async function std(wire: Wire, count: number): Promise<number> {
  const conn = await wire.conn?.("lines");
  if (!conn) throw new Error("Cannot receive: memory has no Deno.Conn");
  const start = performance.now();
  await conn.write(encoder.encode(`${count}\n`));
  const lines = conn.readable
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .pipeThrough(new TextLineStream());
  let left = count;
  for await (const line of lines) {
    check(JSON.parse(line));
    if (--left === 0) break;
  }
  return performance.now() - start;
}

function check({ data: { offset } }: Event): void {
  if (offset !== event.data.offset) {
    throw new Error(`A message has an offset of ${offset}`);
  }
}
