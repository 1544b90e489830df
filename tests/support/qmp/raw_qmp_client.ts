import { JSONText } from "../../../protocol/codecs/_json/text.ts";
import type { Connection } from "../../../transports/mod.ts";
import type { Message } from "./qmp_script.ts";

/** A client of a QMP server that sends exactly the bytes of a test. */
export class RawQMPClient implements AsyncDisposable {
  readonly connection: Connection;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  constructor(connection: Connection) {
    this.connection = connection;
    this.#writer = connection.writable.getWriter();
    this.#lines = linesOf(connection.readable);
  }

  /** Writes bytes; a text is UTF-8. */
  async write(bytes: string | Uint8Array): Promise<void> {
    const chunk = typeof bytes === "string"
      ? new TextEncoder().encode(bytes)
      : bytes;
    await this.#writer.write(chunk);
  }

  /** Ends writing. */
  async end(): Promise<void> {
    await this.#writer.close();
  }

  /** The next line as it came, or `undefined` at the end. */
  async line(): Promise<string | undefined> {
    const { done, value } = await this.#lines.next();
    return done ? undefined : value;
  }

  /** The next message, or `undefined` at the end. */
  async next(): Promise<Message | undefined> {
    const line = await this.line();
    return line === undefined
      ? undefined
      : new JSONText({ bigint: true }).parse(line) as Message;
  }

  /** The next messages. */
  async take(count: number): Promise<(Message | undefined)[]> {
    const messages = [];
    for (let n = 0; n < count; n++) messages.push(await this.next());
    return messages;
  }

  /** All messages up to the end. */
  async rest(): Promise<Message[]> {
    const messages = [];
    for (let m = await this.next(); m; m = await this.next()) messages.push(m);
    return messages;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.abort();
    await this.#lines.return?.().catch(() => {});
  }
}

async function* linesOf(
  readable: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of readable) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\r\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}
