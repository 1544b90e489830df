import {
  type AsyncProtocolOptions,
  serve,
  type ServeOptions,
  type Server,
} from "../protocol/mod.ts";
import type { Listener, WaitOptions } from "../transports/transport.ts";
import { CommandTable } from "./_server/command_table.ts";
import { introspect } from "./_server/introspection.ts";
import { ServerSession } from "./_server/server_session.ts";
import { checkDeclared } from "./_server/types.ts";
import type {
  CommandDefinition,
  CommandHandler,
  CommandServer,
  QMPMembers,
} from "./command.ts";
import type { QMPGreeting } from "./messages.ts";
import type {
  AnySchema,
  CommandName,
  CommandResult,
  EmitParameters,
  EventName,
  HandlerArguments,
  QMPSchema,
} from "./schema.ts";
import type { EmitOptions, QMPSession } from "./session.ts";

/** Commands by name: each a handler, or a definition that has one. */
export type QMPCommands<S extends QMPSchema> = {
  readonly [C in CommandName<S>]?:
    | CommandHandler<HandlerArguments<S, C>, CommandResult<S, C>, S>
    | CommandDefinition<HandlerArguments<S, C>, CommandResult<S, C>, S>;
};

/** Options of a server. The options of a protocol apply to its sessions. */
export interface QMPServerOptions<S extends QMPSchema = AnySchema>
  extends AsyncProtocolOptions {
  /**
   * The maximum size of an incoming message, in bytes. A client that sends a
   * larger one gets an error, and its session ends.
   *
   * @default {10485760}
   */
  maxMessageBytes?: number | undefined;
  /**
   * The commands. Every server has `qmp_capabilities`, `query-version`,
   * `query-commands`, `query-qmp-schema` and `quit`. All but the first can be
   * replaced.
   *
   * @default {{}}
   */
  commands?: QMPCommands<S> | undefined;
  /**
   * A handler for all other commands, for a relay. The command's name is in the
   * message of its context.
   *
   * @default {undefined}
   */
  fallback?:
    | CommandHandler<Record<string, unknown>, unknown, S>
    | CommandDefinition<Record<string, unknown>, unknown, S>
    | undefined;
  /**
   * The events' data, by name, for `query-qmp-schema`.
   *
   * @default {{}}
   */
  events?: { readonly [N in EventName<S>]?: QMPMembers } | undefined;
  /**
   * The version in the greeting.
   *
   * @default {{ qemu: { major: 0, minor: 0, micro: 0 }, package: "Parley" }}
   */
  version?: QMPGreeting["QMP"]["version"] | undefined;
}

/**
 * A QMP server: commands are handlers, and events go to every client or to one.
 * It serves any number of clients, over any transport.
 *
 * A client is greeted, negotiates, and then executes commands. In-band commands
 * run one after another, and their answers come in the same order. Out-of-band
 * commands run at once; a command has to allow this. While 8 in-band or 8
 * out-of-band commands wait for their answers, the client is not read.
 *
 * A message that is not a command is answered with an error. The session ends at
 * the 5th such message before the first command, and at the 100th in all. If the
 * first bytes are of another protocol, such as HTTP, it ends at once.
 *
 * @example A command that is checked, and one that is refused
 * ```ts
 * import { CommandError, QMPClient, QMPServer } from "@parley/parley/qmp";
 * import { memory } from "@parley/parley/transports";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using server = new QMPServer({
 *   commands: {
 *     balloon: {
 *       arguments: { value: "int", "force?": "bool" },
 *       run: ({ value }) => ({ actual: value }),
 *     },
 *     device_del: ({ id }) => {
 *       throw new CommandError("DeviceNotFound", `Device '${id}' not found`);
 *     },
 *   },
 * });
 * const transport = memory();
 * server.serve(await transport.listen());
 *
 * await using client = new QMPClient();
 * await client.connect(transport);
 * const balloon = await client.execute("balloon", { value: 2 ** 30 });
 * assertEquals(balloon, { actual: 2 ** 30 });
 * await assertRejects(
 *   () => client.execute("balloon", { value: "much" }),
 *   Error,
 *   "Invalid parameter type for 'value', expected: int",
 * );
 * await assertRejects(
 *   () => client.execute("device_del", { id: "nic0" }),
 *   Error,
 *   "Device 'nic0' not found (DeviceNotFound)",
 * );
 * ```
 */
export class QMPServer<S extends QMPSchema = AnySchema>
  implements CommandServer<S>, AsyncDisposable {
  readonly #options: AsyncProtocolOptions;
  readonly #greeting: QMPGreeting;
  readonly #commands: CommandTable<S>;
  readonly #events: Readonly<Record<string, QMPMembers>>;
  readonly #servers = new Set<Server<QMPSession<S>>>();
  readonly #sessions = new Set<ServerSession<S>>();

  /**
   * Makes a server that no client can reach yet.
   *
   * @throws {TypeError} A command has no handler, a type is not a QMP type, or
   * another option has the wrong type.
   * @throws {RangeError} An option is out of range.
   */
  constructor(options: QMPServerOptions<S> = {}) {
    const {
      commands = {},
      fallback,
      events = {},
      version = {
        qemu: { major: 0, minor: 0, micro: 0 },
        package: "Parley",
      },
      ...rest
    } = options;
    this.#options = rest;
    this.#events = events as Record<string, QMPMembers>;
    for (const [name, members] of Object.entries(this.#events)) {
      checkDeclared(`events[${JSON.stringify(name)}]`, members);
    }
    this.#commands = new CommandTable(
      { ...this.#ownCommands(), ...commands },
      fallback,
    );
    const capabilities = this.#commands.hasOutOfBand ? ["oob"] : [];
    this.#greeting = { QMP: { version, capabilities } };
    // A wrong option of the sessions is an error here, not at the first client.
    this.#newSession();
  }

  /** The sessions that have begun and not ended. */
  get sessions(): ReadonlySet<QMPSession<S>> {
    return this.#sessions;
  }

  /**
   * Serves every client that connects to a listener, and owns the listener.
   *
   * @throws {RangeError} An option is out of range.
   */
  serve(
    listener: Listener,
    options?: ServeOptions<QMPSession<S>>,
  ): Server<QMPSession<S>> {
    const server = serve<QMPSession<S>>(
      listener,
      () => this.createSession(),
      options,
    );
    this.#servers.add(server);
    const forget = () => this.#servers.delete(server);
    server.closed.then(forget, forget);
    return server;
  }

  /** Makes a session that is `idle`: it can connect to a client, or accept one. */
  createSession(): QMPSession<S> {
    return this.#newSession();
  }

  #newSession(): QMPSession<S> {
    return new ServerSession<S>({
      greeting: this.#greeting,
      onBegin: (session) => {
        this.#sessions.add(session);
        session.signal.addEventListener(
          "abort",
          () => this.#sessions.delete(session),
          { once: true },
        );
      },
      execute: (request, session, signal) =>
        this.#commands.execute(request, {
          server: this,
          session,
          signal,
          message: request.message,
        }),
    }, this.#options);
  }

  /**
   * Sends an event to every client that has negotiated. The promise resolves when
   * there is room for more at each client. It waits for one client at most a
   * second in the whole session, so that a client that does not read does not
   * delay others. After this second, events to the client are only queued, and the
   * session ends if it holds more than `maxQueuedBytes`. So no client misses an
   * event without knowing it.
   *
   * @throws {TypeError} The data has no JSON text.
   */
  async emit<N extends EventName<S>>(
    name: N,
    ...data: EmitParameters<S, N, EmitOptions>
  ): Promise<void> {
    const sent = Array.from(
      this.#sessions,
      (session) => session.emitInTime(name, ...data),
    );
    await Promise.all(sent);
  }

  /**
   * Ends in order: accepts no more clients, executes and answers every command
   * that was received, and disconnects the sessions. After `closeTimeout`, or when
   * the signal is aborted, the end is forced. A handler must not wait for this
   * promise, which waits for the handler. A session that fails does not make it
   * reject: `closed` of the session does.
   *
   * @throws The signal's reason, if it is aborted.
   */
  async close({ signal }: WaitOptions = {}): Promise<void> {
    const servers = Array.from(
      this.#servers,
      (server) => server.shutdown({ signal }),
    );
    const sessions = Array.from(
      this.#sessions,
      (session) => session.finish({ signal }),
    );
    await Promise.all([Promise.allSettled(sessions), ...servers]);
    signal?.throwIfAborted();
  }

  /** Closes in order. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The commands that every server has. */
  #ownCommands(): QMPCommands<AnySchema> {
    return {
      qmp_capabilities: {
        arguments: { "enable?": ["str"] },
        run: () => {},
      },
      "query-version": {
        run: () => this.#greeting.QMP.version,
        arguments: {},
      },
      "query-commands": {
        run: () =>
          Array.from(this.#commands.definitions.keys(), (name) => ({ name })),
        arguments: {},
        returns: [{ name: "str" }],
      },
      "query-qmp-schema": {
        run: () => introspect(this.#commands.definitions, this.#events),
        arguments: {},
        returns: ["any"],
      },
      quit: {
        run: () => void this.close().catch(() => {}),
        arguments: {},
      },
    };
  }
}
