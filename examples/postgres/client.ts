import {
  EventHub,
  type EventQueue,
  PendingCalls,
  ProtocolError,
  type Transport,
  type WaitOptions,
} from "@parley/parley";
import { PostgresError } from "./error.ts";
import type { Backend, BodyOf, Frontend } from "./messages.ts";
import { Operation, type Prepared, type Result } from "./operation.ts";
import { logIn } from "./scram.ts";
import { PostgresSession, type SessionOptions } from "./session.ts";
import { type Argument, type Row, toParameters } from "./values.ts";

export { PostgresError } from "./error.ts";
export type { Result } from "./operation.ts";
export type { Argument, Row, Value } from "./values.ts";

/** Options of {@linkcode Postgres}. */
export interface PostgresOptions extends SessionOptions {
  user: string;
  /** @default {""} */
  password?: string | undefined;
  /** @default {user} */
  database?: string | undefined;
  /**
   * The deadline of each query, in milliseconds.
   *
   * @default {30000}
   */
  timeout?: number | undefined;
}

/**
 * Options of a query. One that is given up goes on in the server: see `cancel()`.
 */
export interface QueryOptions extends WaitOptions {
  /**
   * The deadline, in milliseconds.
   *
   * @default {the client's}
   */
  timeout?: number | undefined;
}

/** What another session, or this one, has said by `NOTIFY`. */
export type Notification = BodyOf<"NotificationResponse">;

/** A statement and its arguments. */
export type Statement = readonly [sql: string, args?: readonly Argument[]];

/** How many bytes a row may have, and how many may wait to be sent. */
const MAX_BYTES = 64 * 1024 * 1024;
const PROTOCOL_VERSION = 0x30000; // 3.0
const CANCEL_REQUEST = 80877102;
/** Of the unnamed portal, all rows. */
const EXECUTE: Frontend = { type: "Execute", body: ["\0", 0] };
/** So many statements stay prepared; others are parsed each time. */
const MAX_PREPARED = 256;
/** A statement whose result has changed, or that was deallocated. */
const STALE = ["0A000", "26000"];

/**
 * A session with PostgreSQL. Queries are sent at once, and answered in order:
 * many may wait at the same time.
 *
 * A transaction of several queries is for one session, and for a client that no
 * one else uses meanwhile: pass each of them the `signal` that the client had at
 * `BEGIN`. Otherwise the next session would execute the rest without the first.
 *
 * An error of the server rejects its query, as a `PostgresError`. When the
 * session ends, each query that waits rejects with a `CallInterruptedError`,
 * which says whether the query was sent.
 */
export class Postgres extends PostgresSession {
  readonly #options: PostgresOptions;
  /** What the server has not answered in full, in the order of the answers. */
  readonly #calls = new PendingCalls<Result[], Operation>();
  readonly #channels = new EventHub<Notification>(({ channel }) => channel);
  readonly #prepared = new Map<string, Prepared>();
  #lastName = 0;
  #key: Uint8Array | undefined;
  /** The copy that is under way, and what sends the requests behind it. */
  #copying: Operation | undefined;
  readonly #held: (() => void)[] = [];

  constructor(options: PostgresOptions) {
    super(startupMessage(options), {
      ...options,
      maxMessageBytes: options.maxMessageBytes ?? MAX_BYTES,
      maxQueuedBytes: options.maxQueuedBytes ?? MAX_BYTES,
    });
    this.#options = options;
  }

  /**
   * Executes a statement, with arguments for `$1`, `$2` and so on.
   *
   * @throws {PostgresError} The server refuses it.
   */
  async query<R extends Row = Row>(
    sql: string,
    args?: readonly Argument[],
    options?: QueryOptions,
  ): Promise<Result<R>> {
    const [result] = await this.pipeline([[sql, args]], options);
    return result as Result<R>;
  }

  /**
   * Executes statements in one round trip, as one transaction: if one fails,
   * none has an effect, unless they have `BEGIN` and `COMMIT` of their own.
   *
   * @throws {PostgresError} The server refuses one of them.
   * @throws {RangeError} A statement has more than 65,535 arguments.
   */
  async pipeline(
    statements: readonly Statement[],
    options: QueryOptions = {},
  ): Promise<Result[]> {
    const parameters = statements.map(([, args = []]) => toParameters(args));
    const [method] = /\w+/.exec(statements[0]?.[0] ?? "") ?? [];
    const { signal, timeout = this.#options.timeout ?? 30_000 } = options;
    const operation = new Operation();
    return await this.#request(operation, method, { signal, timeout }, () => {
      const messages: Frontend[] = [];
      statements.forEach(([sql], at) => {
        const statement = this.#prepare(sql, messages);
        operation.statements.push(statement);
        messages.push(bind(statement, parameters[at] ?? []));
        messages.push(EXECUTE);
      });
      messages.push({ type: "Sync" });
      return messages;
    });
  }

  /**
   * Executes `COPY … FROM STDIN` with this data, without a deadline unless one
   * is given. Other queries wait until it is done. An error of the source fails
   * the copy, and nothing is stored. Returns what was done, such as `COPY 3`.
   *
   * @throws {PostgresError} The server refuses it.
   * @throws The error of the source.
   */
  async copyIn(
    sql: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: QueryOptions,
  ): Promise<string> {
    const started = Promise.withResolvers<void>();
    const operation = new Operation({ onCopyIn: started.resolve });
    const done = this.#copy(sql, operation, options);
    // After its end, the next copy would take its messages.
    const say = (message: Frontend) =>
      this.#copying === operation ? this.send(message) : Promise.resolve();
    const sink = new WritableStream<Uint8Array>({
      start: (controller) =>
        void done.catch((error) => controller.error(error)),
      write: (data) => say({ type: "CopyData", body: [data] }),
    });
    try {
      await Promise.race([started.promise, done]);
      const piped = ReadableStream.from(source).pipeTo(sink);
      // A source that is stuck is left behind when the copy is given up.
      await Promise.race([piped, done]);
      say({ type: "CopyDone" });
    } catch (error) {
      say({ type: "CopyFail", body: ["The client gives it up\0"] });
      await done.catch(() => {}); // its cause is the error
      throw error;
    }
    return await done;
  }

  /**
   * The data of `COPY … TO STDOUT`, without a deadline unless one is given. What
   * is not read holds the session: do not wait for another query before the end.
   * If the stream is cancelled, the rest of the data is dropped.
   */
  copyOut(sql: string, options?: QueryOptions): ReadableStream<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    // A reader that has left gets no more.
    const onCopyData = (data: Uint8Array) => writer.write(data).catch(() => {});
    this.#copy(sql, new Operation({ onCopyData }), options)
      .then(() => writer.close(), (error) => writer.abort(error))
      .catch(() => {});
    return readable;
  }

  /**
   * The notifications of a channel, once the server has confirmed it. If too many
   * wait to be read, the queue fails: none is missed unnoticed. When it is closed
   * the server sends them still, until `UNLISTEN`.
   */
  async listen(
    channel: string,
    { signal }: WaitOptions = {},
  ): Promise<EventQueue<Notification>> {
    const options = { overflow: "fail", signal } as const;
    const queue = this.#channels.listen(channel, options);
    const sql = `LISTEN "${channel.replaceAll('"', '""')}"`;
    return await queue.confirmedBy(this.query(sql, [], { signal }));
  }

  /**
   * Cancels what the server is executing for this session, over a connection of
   * its own. If that ends first, the next query is cancelled, or none.
   */
  async cancel(to: Transport, options?: WaitOptions): Promise<void> {
    this.assertRunning();
    if (!this.#key) throw new ProtocolError("Server has told no key to cancel");
    const body = [CANCEL_REQUEST, this.#key];
    await using session = new PostgresSession(
      { type: "CancelRequest", body },
      { tls: this.#options.tls, idleTimeout: 10_000 },
    );
    await session.connect(to, options);
    await session.closed.catch(() => {}); // the error is thrown on leaving
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    await super.negotiate(signal);
    const ask = async (answer?: Frontend): Promise<Backend> => {
      if (answer) this.send(answer);
      for (;;) {
        const message = await this.receive({ signal });
        if (message.type === "ErrorResponse") {
          throw new PostgresError(message.body);
        }
        if (message.type !== "NoticeResponse") return message;
      }
    };
    await logIn(this.#options.password ?? "", ask);
    for (;;) {
      const message = await ask();
      if (message.type === "ReadyForQuery") return;
      if (message.type === "BackendKeyData") this.#key = message.body;
    }
  }

  protected override onMessage(
    message: Backend,
    bytes: number,
  ): void | Promise<void> {
    const operation = this.#calls.first()?.id;
    switch (message.type) {
      case "ParameterStatus":
      case "NoticeResponse": // such as a warning
        return;
      case "NotificationResponse":
        return this.#channels.dispatch(message.body, bytes);
      case "ErrorResponse": {
        const error = new PostgresError(message.body);
        if (!operation || error.severity !== "ERROR") throw error;
        operation.error ??= error;
        return;
      }
    }
    if (!operation) {
      throw new ProtocolError(`Server sent ${message.type} for no query`);
    }
    if (message.type !== "ReadyForQuery") return operation.take(message);
    this.#finish(operation);
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
    this.#prepared.clear();
    this.#copying = undefined;
    this.#held.length = 0;
    this.#channels.end(cause);
  }

  protected override onDisconnect(): void {
    this.send({ type: "Terminate" });
  }

  /** A query that takes long would hold the ping: its own deadline comes first. */
  protected override async keepAlive(): Promise<void> {
    const oldest = this.#calls.first();
    await oldest?.promise.catch(() => {});
    const isUnanswered = oldest === this.#calls.first();
    // Also in a transaction that has failed, where any query is refused.
    if (isUnanswered) await this.pipeline([]);
  }

  /** A server that is away may come back; a login does not become right. */
  protected override isRetriable(error: unknown): boolean {
    const isRefused = error instanceof PostgresError &&
      /^(28|3D)/.test(error.code); // invalid authorization, no such database
    return !isRefused && super.isRetriable(error);
  }

  async #copy(
    sql: string,
    operation: Operation,
    options: QueryOptions = {},
  ): Promise<string> {
    const [result] = await this.#request(operation, "COPY", options, () => {
      this.#copying = operation;
      return [{ type: "Query", body: [`${sql}\0`] }];
    });
    if (result?.tag.startsWith("COPY")) return result.tag;
    throw new TypeError("Cannot copy: the statement is not COPY");
  }

  /** Opens a call, whose messages are made when it is its turn to be sent. */
  #request(
    operation: Operation,
    method: string | undefined,
    { signal, timeout }: QueryOptions,
    makeMessages: () => Frontend[],
  ): Promise<Result[]> {
    this.assertRunning();
    const call = this.#calls.open({ id: operation, method, signal, timeout });
    call.sent = false;
    this.#held.push(() => {
      this.#calls.forget(operation); // it may have been given up meanwhile
      if (!this.#calls.has(operation)) return;
      call.sent = true;
      for (const message of makeMessages()) {
        this.#calls.track(call, this.send(message));
      }
    });
    this.#sendHeld();
    return call.promise;
  }

  /** Sends what is held, up to the next copy. */
  #sendHeld(): void {
    while (!this.#copying && this.#held.length > 0) this.#held.shift()?.();
  }

  /** The statement, which is parsed first, unless it is known. */
  #prepare(sql: string, messages: Frontend[]): Prepared {
    const known = this.#prepared.get(sql);
    if (known?.columns) return known;
    // Until a statement is parsed, it may be refused: no other relies on it.
    const isNamed = !known && this.#prepared.size < MAX_PREPARED;
    const name = isNamed ? `s${++this.#lastName}` : "";
    const prepared = { name, sql };
    if (isNamed) this.#prepared.set(sql, prepared);
    const noTypes = "\0\0";
    const text = `${name}\0${sql}\0${noTypes}`;
    messages.push({ type: "Parse", body: [text] });
    messages.push({ type: "Describe", body: [`S${name}\0`] });
    return prepared;
  }

  #finish(operation: Operation): void {
    const { error, results, statements } = operation;
    if (!error) this.#calls.resolve(operation, results);
    else {
      this.#calls.reject(operation, error);
      for (const prepared of statements) {
        if (prepared.columns && !STALE.includes(error.code)) continue;
        const { sql } = prepared;
        if (this.#prepared.get(sql) === prepared) this.#prepared.delete(sql);
      }
    }
    if (this.#copying === operation) this.#copying = undefined;
    this.#sendHeld();
  }
}

function startupMessage({ user, database = user }: PostgresOptions): Frontend {
  const parameters = { user, database, client_encoding: "UTF8" };
  for (const [name, text] of Object.entries(parameters)) {
    // NUL ends text: what follows would be another parameter of the session.
    if (!text.includes("\0")) continue;
    const shown = JSON.stringify(text);
    throw new TypeError(
      `Cannot use the option: ${name} is ${shown}: it must have no NUL`,
    );
  }
  const text = Object.entries(parameters).flat().join("\0");
  return { type: "StartupMessage", body: [PROTOCOL_VERSION, `${text}\0\0`] };
}

/** Gives a statement its parameters: they are text, and so are the results. */
function bind({ name }: Prepared, texts: (Uint8Array | null)[]): Frontend {
  const values = texts.flatMap((text) => text ? [text.length, text] : -1);
  // Two counts of 16 bits: no formats, as all is text, and the parameters.
  const body = [`\0${name}\0`, texts.length, ...values, "\0\0"];
  return { type: "Bind", body };
}
