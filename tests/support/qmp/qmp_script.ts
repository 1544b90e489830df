import { assertEquals } from "@std/assert";
import { jsonValues, Peer } from "../../../protocol/mod.ts";
import { QMPClient, type QMPClientOptions } from "../../../qmp/mod.ts";
import { type Connection, memoryPair } from "../../../transports/mod.ts";

/** A QMP message in a test. */
export type Message = Record<string, unknown>;

/** The greeting of QEMU 7.2. */
export function greeting(capabilities: string[] = []): Message {
  const version = { qemu: { micro: 22, minor: 2, major: 7 }, package: "" };
  return { QMP: { version, capabilities } };
}

/** An event, as a server sends it. */
export function event(name: string, data?: Message): Message {
  const timestamp = { seconds: 1, microseconds: 2 };
  return data === undefined
    ? { event: name, timestamp }
    : { event: name, data, timestamp };
}

/** A server that sends exactly the messages of a test. */
export class Script {
  readonly peer = new Peer<Message>({
    codec: () => jsonValues({ maxMessageBytes: Infinity, bigint: true }),
  });
  readonly #received = this.peer[Symbol.asyncIterator]();

  /** Starts over a connection. */
  static async over(connection: Connection): Promise<Script> {
    const script = new Script();
    await script.peer.connect(connection);
    return script;
  }

  /** The next message; `undefined` at the end. */
  async next(): Promise<Message | undefined> {
    const { value } = await this.#received.next();
    return value;
  }

  /** The next message; the end is an error. */
  async command(): Promise<Message> {
    const message = await this.next();
    if (!message) throw new Error("Client has ended the stream");
    return message;
  }

  send(...messages: Message[]): void {
    for (const message of messages) this.peer.send(message);
  }

  /** Answers a command with a result. */
  answer(command: Message, result: unknown = {}): void {
    this.send({ return: result, id: command.id });
  }

  /** Answers a command with an error. */
  refuse(command: Message, errorClass: string, desc: string): void {
    this.send({ error: { class: errorClass, desc }, id: command.id });
  }

  /** Greets and negotiates; returns the request for capabilities. */
  async shakeHands(capabilities: string[] = []): Promise<Message> {
    this.send(greeting(capabilities));
    const request = await this.command();
    this.answer(request);
    return request;
  }

  /** Ends the connection in order. */
  async end(): Promise<void> {
    await this.peer.disconnect().catch(() => {});
  }
}

/** A running client, and the script at the other end. */
export async function runningClient(
  options: QMPClientOptions & { capabilities?: string[] } = {},
): Promise<{ client: QMPClient; server: Script; remote: Connection }> {
  const { capabilities, ...rest } = options;
  const [near, remote] = memoryPair();
  const client = new QMPClient(rest);
  const server = await Script.over(remote);
  await Promise.all([client.connect(near), server.shakeHands(capabilities)]);
  return { client, server, remote };
}

/** A client whose session began without a handshake, and the other end. */
export async function bareClient(): Promise<
  { client: QMPClient; far: Connection }
> {
  const [near, far] = memoryPair();
  const client = new QMPClient({ awaitGreeting: false, negotiate: false });
  await client.connect(near);
  return { client, far };
}

/** Asserts that the next command is sent at once, and is answered. */
export async function assertNextIsServed(
  client: QMPClient,
  server: Script,
): Promise<void> {
  const next = client.execute("next");
  const command = await server.command();
  assertEquals(command.execute, "next");
  server.answer(command, 1);
  assertEquals(await next, 1);
}
