import {
  EndOfStreamError,
  EventHub,
  type EventQueue,
  type ListenOptions,
  type OpenCallOptions,
  PendingCalls,
  ProtocolError,
  type Transport,
  type WaitOptions,
} from "@parley/parley";
import {
  type Backend,
  type Frontend,
  type Notification,
  PostgresError,
} from "./messages.ts";
import { Operation } from "./operation.ts";
import type { Prepared, Result } from "./operation.ts";
import { Scram } from "./scram.ts";
import {
  type CancelKey,
  CancelSession,
  PostgresSession,
  type SessionOptions,
} from "./session.ts";
import { type Argument, type Row, toParameters } from "./values.ts";

export { type Notification, PostgresError } from "./messages.ts";
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

/** Options of a query. */
export interface QueryOptions {
  /** Gives the query up; the server goes on with it: see `cancel()`. */
  signal?: AbortSignal | undefined;
  /**
   * The deadline, in milliseconds.
   *
   * @default {the client's}
   */
  timeout?: number | undefined;
}

/** A statement and its arguments. */
export type Statement = readonly [sql: string, args?: readonly Argument[]];

/** How many bytes a row may have, and how many may wait to be sent. */
const MAX_BYTES = 64 * 1024 * 1024;
const PROTOCOL_VERSION = 0x30000; // 3.0
/** Of the unnamed portal, all rows. */
const EXECUTE: Frontend = { type: "Execute", body: ["\0", 0] };
/** So many statements stay prepared; others are parsed each time. */
const MAX_PREPARED = 256;

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
  readonly #calls = new PendingCalls<Result[]>();
  readonly #operations = new Map<number, Operation>();
  readonly #prepared = new Map<string, Prepared>();
  readonly #notifications = new EventHub<Notification>(({ channel }) =>
    channel
  );
  readonly #parameters = new Map<string, string>();
  #lastName = 0;
  #key: CancelKey | undefined;
  /** The copy that is sending its data, and the requests that wait for it. */
  #copying: Operation | undefined;
  readonly #held: (() => void)[] = [];

  constructor(options: PostgresOptions) {
    checkText("user", options.user);
    checkText("database", options.database);
    super({
      ...options,
      maxMessageBytes: options.maxMessageBytes ?? MAX_BYTES,
      maxQueuedBytes: options.maxQueuedBytes ?? MAX_BYTES,
    });
    this.#options = options;
  }

  /** What the server has told of itself, such as `server_version`. */
  get parameters(): ReadonlyMap<string, string> {
    return this.#parameters;
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
    return await this.#request({ method, signal, timeout }, () => {
      const messages: Frontend[] = [];
      const prepared = statements.map(([sql], at) => {
        const statement = this.#prepare(sql, messages);
        const { name } = statement;
        messages.push({ type: "Bind", name, parameters: parameters[at] ?? [] });
        messages.push(EXECUTE);
        return statement;
      });
      messages.push({ type: "Sync" });
      return { operation: new Operation(prepared), messages };
    });
  }

  /**
   * Executes `COPY … FROM STDIN` with this data, without a deadline unless one
   * is given. Other queries wait until all is sent. An error of the source fails
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
    const operation = new Operation([], { onCopyIn: started.resolve });
    const done = this.#copy(sql, operation, options);
    const stop = new AbortController();
    const { signal } = stop;
    done.then(() => stop.abort(), (error) => stop.abort(error));
    // After its end, the next copy would take its messages.
    const say = (message: Frontend) =>
      this.#copying === operation ? this.send(message) : Promise.resolve();
    try {
      await Promise.race([started.promise, done]);
      assertCopy(operation);
      const sink = new WritableStream<Uint8Array>({
        write: (data) => say({ type: "CopyData", body: [data] }),
      });
      const piped = ReadableStream.from(source).pipeTo(sink, { signal });
      // A source that is stuck is left behind when the copy is given up.
      await Promise.race([piped, done]);
      say({ type: "CopyDone" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const body = [`${reason.replaceAll("\0", "")}\0`];
      say({ type: "CopyFail", body });
      await done.catch(() => {}); // its cause is the error
      throw error;
    } finally {
      this.#release(operation);
    }
    const [result] = await done;
    return result?.tag ?? "";
  }

  /**
   * The data of `COPY … TO STDOUT`, without a deadline unless one is given. What
   * is not read holds the session: do not wait for another query before the end.
   * If the stream is cancelled, the rest of the data is dropped.
   */
  copyOut(sql: string, options?: QueryOptions): ReadableStream<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array>();
    const writer = writable.getWriter();
    const operation = new Operation([], {
      // A reader that has left gets no more.
      onCopyData: (data) => writer.write(data).catch(() => {}),
    });
    const done = Promise.try(() => this.#copy(sql, operation, options))
      .then(() => assertCopy(operation));
    done.then(() => writer.close(), (error) => writer.abort(error))
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
    options?: ListenOptions<Notification>,
  ): Promise<EventQueue<Notification>> {
    const overflow = options?.overflow ?? "fail";
    const queue = this.#notifications.listen(channel, { ...options, overflow });
    try {
      const sql = `LISTEN "${channel.replaceAll('"', '""')}"`;
      await this.query(sql, [], { signal: options?.signal });
      return queue;
    } catch (error) {
      queue.close();
      throw error;
    }
  }

  /**
   * Cancels what the server is executing for this session, over a connection of
   * its own. If that ends first, the next query is cancelled, or none.
   */
  async cancel(to: Transport, options: WaitOptions = {}): Promise<void> {
    this.assertRunning();
    const key = this.#key;
    if (!key) throw new ProtocolError("Server has told no key to cancel by");
    const { tls } = this.#options;
    await using session = new CancelSession(key, { tls, idleTimeout: 10_000 });
    await session.connect(to, options);
    await session.closed.catch((error) => {
      if (!(error instanceof EndOfStreamError)) throw error;
    });
  }

  protected override async negotiate(signal: AbortSignal): Promise<void> {
    await super.negotiate(signal);
    const { user, password = "", database = user } = this.#options;
    const parameters = ["user", user, "database", database];
    const text = [...parameters, "client_encoding", "UTF8", "", ""].join("\0");
    this.send({ type: "StartupMessage", body: [PROTOCOL_VERSION, text] });
    const scram = new Scram(password);
    for (;;) {
      const message = await this.receive({ signal });
      switch (message.type) {
        case "ReadyForQuery":
          return;
        case "Authentication": {
          const answer = await scram.answer(message.code, message.data);
          if (answer) await this.send(answer);
          break;
        }
        case "BackendKeyData":
          this.#key = message;
          break;
        case "ErrorResponse":
          throw new PostgresError(message.fields);
        default:
          this.#note(message, 0);
      }
    }
  }

  protected override onMessage(
    message: Backend,
    bytes: number,
  ): void | Promise<void> {
    const call = this.#calls.first(); // results come in order
    const operation = call && this.#operations.get(call.id);
    if (message.type === "ReadyForQuery") {
      if (!operation) throw new ProtocolError("Server is ready after no query");
      this.#finish(call.id, operation);
    } else if (message.type === "ErrorResponse") {
      const error = new PostgresError(message.fields);
      if (!operation || error.severity !== "ERROR") throw error;
      operation.error ??= error;
    } else if (!this.#note(message, bytes)) {
      if (operation) return operation.take(message);
      throw new ProtocolError(`Server sent ${message.type} for no query`);
    }
  }

  protected override onSessionEnd(cause: unknown): void {
    this.#calls.end(cause);
    this.#operations.clear();
    this.#prepared.clear();
    this.#copying = undefined;
    this.#held.length = 0;
    this.#notifications.end(cause);
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

  /** Takes what the server may say at any time; false if it is something else. */
  #note(message: Backend, bytes: number): boolean {
    if (message.type === "NotificationResponse") {
      this.#notifications.dispatch(message.notification, bytes);
    } else if (message.type === "ParameterStatus") {
      this.#parameters.set(message.name, message.value);
    } else return message.type === "NoticeResponse"; // such as a warning
    return true;
  }

  #finish(id: number, operation: Operation): void {
    const { error, results } = operation;
    for (const prepared of operation.statements) {
      const isStale = error && STALE.has(error.code);
      const { sql, parsed } = prepared;
      if (parsed && !isStale || this.#prepared.get(sql) !== prepared) continue;
      this.#prepared.delete(sql);
    }
    this.#operations.delete(id);
    if (error) this.#calls.reject(id, error);
    else this.#calls.resolve(id, results);
    this.#release(operation);
  }

  /** The statement, which is parsed first, unless it is known. */
  #prepare(sql: string, messages: Frontend[]): Prepared {
    const known = this.#prepared.get(sql);
    if (known?.parsed) return known;
    // Until a statement is parsed, it may be refused: no other relies on it.
    const isNamed = !known && this.#prepared.size < MAX_PREPARED;
    const name = isNamed ? `s${++this.#lastName}` : "";
    const prepared = { name, sql, columns: [], parsed: false };
    if (isNamed) this.#prepared.set(sql, prepared);
    const noTypes = "\0\0";
    const text = `${name}\0${sql}\0${noTypes}`;
    messages.push({ type: "Parse", body: [text] });
    messages.push({ type: "Describe", body: [`S${name}\0`] });
    return prepared;
  }

  #copy(
    sql: string,
    operation: Operation,
    { signal, timeout }: QueryOptions = {},
  ): Promise<Result[]> {
    return this.#request({ method: "COPY", signal, timeout }, () => {
      if (operation.takesData) this.#copying = operation;
      return { operation, messages: [{ type: "Query", body: [`${sql}\0`] }] };
    });
  }

  /** Opens a call, whose request is made when it is its turn to be sent. */
  #request(
    options: OpenCallOptions,
    make: () => { operation: Operation; messages: Frontend[] },
  ): Promise<Result[]> {
    this.assertRunning();
    const call = this.#calls.open(options);
    call.sent = false;
    this.#start(() => {
      this.#calls.forget(call.id); // it may have been given up meanwhile
      if (!this.#calls.has(call.id)) return;
      const { operation, messages } = make();
      this.#operations.set(call.id, operation);
      call.sent = true;
      for (const message of messages) {
        this.#calls.track(call, this.send(message));
      }
    });
    return call.promise;
  }

  #start(request: () => void): void {
    if (this.#copying) this.#held.push(request);
    else request();
  }

  /** Sends what was held for a copy, up to the next copy. */
  #release(operation: Operation): void {
    if (this.#copying !== operation) return;
    this.#copying = undefined;
    for (const request of this.#held.splice(0)) this.#start(request);
  }
}

/** A statement whose result has changed, or that was deallocated. */
const STALE = new Set(["0A000", "26000"]);

/** A NUL ends text: what follows would be another parameter of the session. */
function checkText(option: string, text: string | undefined): void {
  if (!text?.includes("\0")) return;
  const shown = JSON.stringify(text);
  throw new TypeError(
    `Cannot use the option: ${option} is ${shown}: it must have no NUL`,
  );
}

function assertCopy({ copying }: Operation): void {
  if (!copying) throw new TypeError("Cannot copy: the statement is not COPY");
}
