import { AsyncProtocol, type Codec, jsonLines, Peer } from "../../mod.ts";
import { requestAlternatives } from "../alternatives/requests.ts";
import type { Row } from "../harness.ts";
import type { Part } from "../parts.ts";
import { type Raw, writeAll } from "../raw.ts";
import type { Wire } from "../wires.ts";

/** A kind of request, and the part of the far end that replies to it. */
export interface Exchange {
  readonly part: Part;
  /** The request with an id; its reply has the same. */
  request(id: number): Message;
}

interface Message {
  readonly id: number;
}
const FIRST_ID = 100_000_000;

/** A request is a JSON line of 64 bytes; its echo counts as the reply. */
const echo: Exchange = {
  part: "echo",
  request: (
    id,
  ) => ({ id, method: "echo", text: "twenty-one characters" } as Message),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const request: Row = {
  name: "request",
  title: "request and reply, one at a time, JSON lines of 64 bytes",
  unit: "requests",
  target: 0.85,
  parley: (wire, count) => inFlight(wire, count, 1),
  limit: (wire, count) => oneByOne(wire, count),
  alternatives: requestAlternatives(1, 1),
};

export const pipelined: Row = {
  name: "pipelined",
  title: "requests pipelined, 100 in flight, JSON lines of 64 bytes",
  unit: "requests",
  target: 0.9,
  parley: (wire, count) => inFlight(wire, count, 100),
  limit: (wire, count) => coalescing(wire, count, 100),
  alternatives: requestAlternatives(100, 8),
};

export interface Requester {
  request(): Promise<unknown>;
}

/** Keeps a number of requests in flight until all are answered. */
export async function keepInFlight(
  requester: Requester,
  count: number,
  inFlight: number,
): Promise<number> {
  let left = count;
  const start = performance.now();
  const worker = async () => {
    while (left-- > 0) await requester.request();
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return performance.now() - start;
}

class Client extends AsyncProtocol<Message> implements Requester {
  readonly #pending = new Map<number, (reply: Message) => void>();
  readonly #exchange: Exchange;
  #id = FIRST_ID;

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
  }

  request(): Promise<Message> {
    const id = this.#id++;
    this.send(this.#exchange.request(id));
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  protected override createCodec(): Codec<Message> {
    return jsonLines();
  }

  protected override onMessage(reply: Message): void {
    this.#pending.get(reply.id)?.(reply);
    this.#pending.delete(reply.id);
  }
}

/** The same work by a plain `Peer`. */
export async function overPeer(
  wire: Wire,
  count: number,
  waiting: number,
  exchange: Exchange,
): Promise<number> {
  const pending = new Map<number, (reply: Message) => void>();
  await using peer = new Peer<Message>({ codec: jsonLines });
  await peer.connect(wire.transport(exchange.part));
  const reading = (async () => {
    for await (const reply of peer) {
      pending.get(reply.id)?.(reply);
      pending.delete(reply.id);
    }
  })();
  let id = FIRST_ID;
  const request = () => {
    const message = exchange.request(id++);
    peer.send(message);
    return new Promise((resolve) => pending.set(message.id, resolve));
  };
  const took = await keepInFlight({ request }, count, waiting);
  await peer.disconnect();
  await reading;
  return took;
}

/** Parley's time for `count` requests, with a number of them in flight. */
export async function inFlight(
  wire: Wire,
  count: number,
  waiting: number,
  exchange = echo,
): Promise<number> {
  await using client = new Client(exchange);
  await client.connect(wire.transport(exchange.part));
  return await keepInFlight(client, count, waiting);
}

/** With one request at a time, a loop needs no lookup by id. */
export async function oneByOne(
  wire: Wire,
  count: number,
  { part, request } = echo,
): Promise<number> {
  const raw = await wire.raw(part);
  const buffer = new Uint8Array(64 * 1024);
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const id = FIRST_ID + i;
    await writeAll(raw, encoder.encode(JSON.stringify(request(id)) + "\n"));
    let end = 0;
    do {
      const count = await raw.read(buffer.subarray(end));
      if (count === null) {
        throw new Error("Cannot receive: the far end has ended");
      }
      end += count;
    } while (buffer[end - 1] !== 10);
    const reply: Message = JSON.parse(
      decoder.decode(buffer.subarray(0, end - 1)),
    );
    if (reply.id !== id) throw new Error(`Request ${id} got ${reply.id}`);
  }
  const took = performance.now() - start;
  raw.close();
  return took;
}

/** Requests of one turn go out in one write; replies of one read are decoded at once. */
class RawClient implements Requester {
  readonly #raw: Raw;
  readonly #exchange: Exchange;
  readonly #pending = new Map<number, (reply: Message) => void>();
  #id = FIRST_ID;
  #text = "";
  #writing = false;

  constructor(raw: Raw, exchange: Exchange) {
    this.#raw = raw;
    this.#exchange = exchange;
  }

  request(): Promise<Message> {
    const id = this.#id++;
    this.#text += JSON.stringify(this.#exchange.request(id)) + "\n";
    if (!this.#writing) this.#write();
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  async #write(): Promise<void> {
    this.#writing = true;
    await undefined;
    while (this.#text) {
      const bytes = encoder.encode(this.#text);
      this.#text = "";
      await writeAll(this.#raw, bytes);
    }
    this.#writing = false;
  }

  async read(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    let end = 0;
    for (;;) {
      const count = await this.#raw.read(buffer.subarray(end));
      if (count === null) return;
      end += count;
      const last = buffer.subarray(0, end).lastIndexOf(10);
      if (last < 0) continue;
      const text = decoder.decode(buffer.subarray(0, last));
      for (const line of text.split("\n")) {
        const reply: Message = JSON.parse(line);
        this.#pending.get(reply.id)?.(reply);
        this.#pending.delete(reply.id);
      }
      buffer.copyWithin(0, last + 1, end);
      end -= last + 1;
    }
  }
}

export async function coalescing(
  wire: Wire,
  count: number,
  inFlight: number,
  exchange = echo,
): Promise<number> {
  const raw = await wire.raw(exchange.part);
  const client = new RawClient(raw, exchange);
  const reading = client.read().catch(() => {});
  const took = await keepInFlight(client, count, inFlight);
  raw.close();
  await reading;
  return took;
}
