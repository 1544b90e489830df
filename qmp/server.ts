import {
  type AsyncProtocolOptions,
  serve,
  type ServeOptions,
  type Server,
} from "../protocol/mod.ts";
import type { Listener, WaitOptions } from "../transports/transport.ts";
import { checkMembers } from "./_server/check_arguments.ts";
import { introspect } from "./_server/introspection.ts";
import type { CommandRequest } from "./_server/command_request.ts";
import { ServerSession } from "./_server/server_session.ts";
import { abortable } from "./_client/wait.ts";
import {
  type CommandContext,
  type CommandDefinition,
  CommandError,
  type CommandHandler,
  type QMPMembers,
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
import type { QMPSession } from "./session.ts";

/** Commands by name: each a handler, or one with what there is to know of it. */
export type QMPCommands<S extends QMPSchema> = {
  readonly [C in CommandName<S>]?:
    | CommandHandler<HandlerArguments<S, C>, CommandResult<S, C>, S>
    | CommandDefinition<HandlerArguments<S, C>, CommandResult<S, C>, S>;
};

/** Options of a server; those of a protocol are for its sessions. */
export interface QMPServerOptions<S extends QMPSchema = AnySchema>
  extends AsyncProtocolOptions {
  /**
   * The commands. Without being given there are `qmp_capabilities`, and
   * `query-version`, `query-commands`, `query-qmp-schema` and `quit`, which can
   * be given to replace them.
   *
   * @default {{}}
   */
  commands?: QMPCommands<S>;
  /**
   * The events' data, by name, for `query-qmp-schema`.
   *
   * @default {{}}
   */
  events?: { readonly [N in EventName<S>]?: QMPMembers };
  /**
   * The version in the greeting.
   *
   * @default {{ qemu: { major: 0, minor: 0, micro: 0 }, package: "Parley" }}
   */
  version?: QMPGreeting["QMP"]["version"];
}

type AnyDefinition<S extends QMPSchema> = CommandDefinition<
  Record<string, unknown>,
  unknown,
  S
>;

/**
 * A QMP server: commands are handlers, and events go to every client or to one.
 * It serves any number of clients, over any transport.
 *
 * A client is greeted, has to negotiate, and then executes commands: in band one
 * after another, out of band at once, where any command allows that.
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
  implements AsyncDisposable {
  readonly #options: AsyncProtocolOptions;
  readonly #greeting: QMPGreeting;
  readonly #commands = new Map<string, AnyDefinition<S>>();
  readonly #events: Readonly<Record<string, QMPMembers>>;
  readonly #servers = new Set<Server<QMPSession<S>>>();
  readonly #sessions = new Set<QMPSession<S>>();

  /** Makes a server that nobody can reach yet. */
  constructor(options: QMPServerOptions<S> = {}) {
    const {
      commands = {},
      events = {},
      version = {
        qemu: { major: 0, minor: 0, micro: 0 },
        package: "Parley",
      },
      ...rest
    } = options;
    this.#options = rest;
    this.#events = events as Record<string, QMPMembers>;
    const given = commands as Record<
      string,
      AnyDefinition<S>["run"] | AnyDefinition<S>
    >;
    for (const [name, one] of Object.entries({ ...this.#own(), ...given })) {
      this.#commands.set(name, typeof one === "function" ? { run: one } : one);
    }
    const oob = this.#commands.values().some(({ oob }) => oob);
    this.#greeting = { QMP: { version, capabilities: oob ? ["oob"] : [] } };
  }

  /** The sessions that have begun and not ended. */
  get sessions(): ReadonlySet<QMPSession<S>> {
    return this.#sessions;
  }

  /**
   * Serves every client that comes to a listener, and owns the listener.
   *
   * @throws {RangeError} An option is out of range.
   */
  serve(listener: Listener, options?: ServeOptions): Server<QMPSession<S>> {
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
        this.#execute(request, {
          server: this,
          session,
          signal,
          message: request.message,
        }),
    }, this.#options);
  }

  /**
   * Sends an event to every client that has negotiated. Resolves when there is
   * room for more at each of them: who emits much, waits.
   *
   * @throws {TypeError} The data has no JSON text.
   */
  async emit<N extends EventName<S>>(
    name: N,
    ...data: EmitParameters<S, N>
  ): Promise<void> {
    const sent = Array.from(
      this.#sessions,
      (session) => session.emit(name, ...data),
    );
    await Promise.all(sent);
  }

  /**
   * Ends in order: nobody is accepted any more, what every client has sent is
   * executed and answered, and then it is disconnected. A handler must not wait
   * for this, which waits for it.
   *
   * @throws The signal's reason, when it is aborted: the sessions are then
   * disconnected at once.
   */
  async close(options: WaitOptions = {}): Promise<void> {
    const sessions = [...this.#sessions];
    const ended = [
      ...Array.from(this.#servers, (server) => server.shutdown(options)),
      ...sessions.map((session) => session.finish()),
    ];
    try {
      await abortable(Promise.all(ended), options.signal);
    } catch (error) {
      await Promise.allSettled(sessions.map((session) => session.disconnect()));
      throw error;
    }
  }

  /** Closes in order. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The commands that every server has. */
  #own(): Record<string, AnyDefinition<S>> {
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
        run: () => Array.from(this.#commands.keys(), (name) => ({ name })),
        arguments: {},
        returns: [{ name: "str" }],
      },
      "query-qmp-schema": {
        run: () => introspect(this.#commands, this.#events),
        arguments: {},
        returns: ["any"],
      },
      quit: {
        run: () => void this.close().catch(() => {}),
        arguments: {},
      },
    };
  }

  #execute(request: CommandRequest, context: CommandContext<S>): unknown {
    const { command, args, outOfBand } = request;
    const definition = this.#commands.get(command);
    if (!definition) {
      throw new CommandError(
        "CommandNotFound",
        `The command ${command} has not been found`,
      );
    }
    if (outOfBand && !definition.oob) {
      throw new CommandError(
        "GenericError",
        `The command ${command} does not support OOB`,
      );
    }
    if (definition.arguments) checkMembers(args, definition.arguments);
    return definition.run(args, context);
  }
}
