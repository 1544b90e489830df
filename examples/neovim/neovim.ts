import {
  type EventQueue,
  type Transport,
  unix,
  type WaitOptions,
} from "@parley/parley";
import {
  type HandlerContext,
  type JSONRPCNotification,
  MsgpackRPCPeer,
} from "@parley/parley/msgpack";

/** The calls of Neovim that are used here, by the names of its API. */
interface NeovimAPI {
  nvim_get_current_buf(params: []): Buffer;
  nvim_get_api_info(params: []): [channel: number, info: unknown];
  nvim_command(params: [command: string]): null;
  nvim_eval(params: [expression: string]): unknown;
  nvim_exec_lua(params: [code: string, args: unknown[]]): unknown;
  nvim_buf_get_lines(
    params: [buffer: number, start: number, end: number, strict: boolean],
  ): string[];
  nvim_buf_set_lines(
    params: [
      buffer: number,
      start: number,
      end: number,
      strict: boolean,
      lines: string[],
    ],
  ): null;
  nvim_buf_attach(
    params: [buffer: Buffer, sendAll: boolean, options: object],
  ): boolean;
}

/** The number of a buffer, as an extension of MessagePack. */
interface Buffer {
  readonly data: Uint8Array;
}

/** A function that Neovim may call by `rpcrequest()`. */
export type NeovimFunction = (
  args: unknown[],
  context: HandlerContext,
) => unknown;

/** A change of a buffer's lines. */
export interface LinesChanged extends JSONRPCNotification {
  /** The lines from `first`, which counts from 0, up to `last` are replaced. */
  readonly params: [
    buffer: Buffer,
    tick: number,
    first: number,
    last: number,
    lines: string[],
    more: boolean,
  ];
}

/** Options of {@linkcode Neovim}. */
export interface NeovimOptions {
  /** Functions that Neovim may call, by name. */
  functions?: Record<string, NeovimFunction> | undefined;
  /** The deadline of each call, in milliseconds. */
  timeout?: number | undefined;
}

/** A running Neovim (`nvim --listen PATH`), whose current buffer is edited. */
export class Neovim implements AsyncDisposable {
  readonly #peer: MsgpackRPCPeer<
    NeovimAPI,
    Record<string, (args: unknown[]) => unknown>
  >;
  #channel = 0;

  constructor({ functions = {}, timeout = 10_000 }: NeovimOptions = {}) {
    this.#peer = new MsgpackRPCPeer({ timeout, methods: functions });
  }

  /** Our number in Neovim, for `rpcrequest()`. */
  get channel(): number {
    return this.#channel;
  }

  /** Connects to the socket at a path, or to any transport. */
  async connect(
    to: string | Transport,
    options?: WaitOptions,
  ): Promise<void> {
    const peer = this.#peer;
    const transport = typeof to === "string" ? unix({ path: to }) : to;
    await peer.connect(transport, options);
    try {
      [this.#channel] = await peer.request("nvim_get_api_info", [], options);
    } catch (reason) {
      await peer.disconnect({ reason }).catch(() => {});
      throw reason;
    }
  }

  /** Executes a command as one types it behind a colon. */
  async command(command: string, signal?: AbortSignal): Promise<void> {
    await this.#peer.request("nvim_command", [command], { signal });
  }

  /** The value of an expression of Vim. */
  evaluate(expression: string): Promise<unknown> {
    return this.#peer.request("nvim_eval", [expression]);
  }

  /** Runs Lua in Neovim; `...` in the code are the arguments. */
  lua(code: string, ...args: unknown[]): Promise<unknown> {
    return this.#peer.request("nvim_exec_lua", [code, args]);
  }

  /** The lines of the current buffer. */
  lines(): Promise<string[]> {
    return this.#peer.request("nvim_buf_get_lines", [0, 0, -1, true]);
  }

  /** Replaces all lines of the current buffer. */
  async setLines(lines: string[]): Promise<void> {
    await this.#peer.request("nvim_buf_set_lines", [0, 0, -1, true, lines]);
  }

  /**
   * The changes of the buffer that is the current one, from now on. If too many
   * wait to be read, the queue fails: none is missed unnoticed.
   */
  async changes(options?: WaitOptions): Promise<EventQueue<LinesChanged>> {
    const peer = this.#peer;
    const buffer = await peer.request("nvim_get_current_buf", [], options);
    const events = peer.notifications("nvim_buf_lines_event", {
      ...options,
      overflow: "fail",
      filter: (change) => {
        const [changed] = (change as LinesChanged).params;
        return `${changed.data}` === `${buffer.data}`;
      },
    }) as EventQueue<LinesChanged>;
    try {
      await peer.request("nvim_buf_attach", [buffer, false, {}], options);
      return events;
    } catch (error) {
      events.close();
      throw error;
    }
  }

  /** Settles when the session has ended, also because Neovim has. */
  get closed(): Promise<void> {
    return this.#peer.closed;
  }

  /** Leaves Neovim, which goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]();
  }
}
