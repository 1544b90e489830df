import { assertEquals } from "@std/assert";
import {
  GuestAgentClient,
  type GuestAgentClientOptions,
} from "../../../qmp/mod.ts";
import { type Connection, memoryPair } from "../../../transports/mod.ts";
import type { Message } from "./qmp_script.ts";

/** An agent that sends exactly the text of a test, with 0xFF as `ÿ`. */
export class ScriptedAgent {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #connection: Connection;
  #unread = "";

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#reader = connection.readable.getReader();
    this.#writer = connection.writable.getWriter();
  }

  /** The next line that the client has sent. */
  async line(): Promise<string> {
    while (!this.#unread.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`Client has ended after: ${this.#unread}`);
      this.#unread += String.fromCharCode(...value);
    }
    const end = this.#unread.indexOf("\n");
    const line = this.#unread.slice(0, end);
    this.#unread = this.#unread.slice(end + 1);
    return line.trim();
  }

  async command(): Promise<Message> {
    return JSON.parse(await this.line());
  }

  /** The number of the next request, which must be a request to synchronize. */
  async sync(): Promise<number> {
    const line = await this.line();
    assertEquals(line[0], "ÿ");
    const { execute, arguments: args } = JSON.parse(line.slice(1));
    assertEquals(execute, "guest-sync-delimited");
    return args.id;
  }

  /** Answers the next message, a command, with a result; returns the command. */
  async answer(result: unknown): Promise<Message> {
    const command = await this.command();
    await this.say(`{"return": ${JSON.stringify(result)}}\n`);
    return command;
  }

  async say(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    await this.#writer.write(bytes);
  }

  /** Synchronizes with the client. */
  async synchronize(): Promise<void> {
    await this.say(`ÿ{"return": ${await this.sync()}}\n`);
  }

  end(): Promise<void> {
    return this.#connection.close();
  }
}

/** A running client, and the agent at the other end. */
export async function runningAgent(
  options: GuestAgentClientOptions = {},
): Promise<{ client: GuestAgentClient; agent: ScriptedAgent }> {
  const [near, far] = memoryPair();
  const client = new GuestAgentClient(options);
  const agent = new ScriptedAgent(far);
  await Promise.all([client.connect(near), agent.synchronize()]);
  return { client, agent };
}
