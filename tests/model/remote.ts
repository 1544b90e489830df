import type { Connection } from "../../transports/mod.ts";
import type { Deed } from "./talker.ts";

const encoder = new TextEncoder();

/** The peer at the other end: it reads when a step says so, and records the messages. */
export class Remote {
  /** The numbers of the messages that it has sent. */
  readonly sent: number[] = [];
  /** Whether it gets everything that is sent to it: it has not left. */
  loyal = true;
  readonly #connection: Connection;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #first: number;
  #text = "";
  #replied = 0;
  #reading: Promise<void> | undefined;

  /** `first` is the number of its first message. */
  constructor(connection: Connection, first: number) {
    this.#connection = connection;
    this.#first = first;
    this.#reader = connection.readable.getReader();
    this.#writer = connection.writable.getWriter();
    this.#reader.closed.catch(() => {});
    this.#writer.closed.catch(() => {});
  }

  /** The messages that it has received. */
  get received(): unknown[] {
    return this.#text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
  }

  /** Reads from now on, to the end. */
  read(): void {
    this.#reading ??= this.#readAll();
  }

  /** Sends messages in one write. */
  send(deeds: Deed[]): void {
    const lines = deeds.map((deed) => {
      const n = this.#first + this.sent.length;
      this.sent.push(n);
      return JSON.stringify({ n, deed }) + "\n";
    });
    this.write(lines.join(""));
  }

  write(text: string): void {
    this.#writer.write(encoder.encode(text)).catch(() => {});
  }

  /** Replies to the requests that it has read since its last replies. */
  reply(): void {
    const received = this.received;
    for (const message of received.slice(this.#replied)) {
      if (typeof message === "object" && message && "id" in message) {
        this.write(JSON.stringify({ reply: message.id }) + "\n");
      }
    }
    this.#replied = received.length;
  }

  end(): void {
    this.#writer.close().catch(() => {});
  }

  stopReading(): void {
    this.loyal = false;
    this.#reader.cancel().catch(() => {});
  }

  close(): Promise<void> {
    this.loyal = false;
    return this.#connection.close();
  }

  reset(): void {
    this.loyal = false;
    this.#connection.abort(new Error("power cut"));
  }

  async #readAll(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#text += decoder.decode(value, { stream: true });
      }
    } catch {
      this.loyal = false;
    }
  }
}
