import { type EventQueue, stdio } from "@parley/parley";
import {
  type InitializeResult,
  type JSONRPCNotification,
  LSPPeer,
} from "@parley/parley/jsonrpc/lsp";

/** A place in a text: both count from 0, characters in UTF-16 units. */
export interface Position {
  line: number;
  character: number;
}

/** What a server has to say about a part of a text. */
export interface Diagnostic {
  range: { start: Position; end: Position };
  severity?: 1 | 2 | 3 | 4;
  message: string;
}

/** What a server has to say about a text. */
export interface Report extends JSONRPCNotification {
  readonly params: { uri: string; diagnostics: Diagnostic[] };
}

/** How to start a language server. */
export interface LanguageServerOptions {
  command: string;
  args?: string[];
  /** The folder that it runs in. */
  cwd?: string;
  /** The folder of the project, as a `file:` URL. */
  root: string;
  /** What the server takes as `initializationOptions`, and as its settings. */
  settings?: unknown;
  /** The deadline of each request, in milliseconds. */
  timeout?: number;
}

/** A language server in a process of its own, and the texts that are open in it. */
export class LanguageServer implements AsyncDisposable {
  readonly #options: LanguageServerOptions;
  readonly #peer: LSPPeer;
  #capabilities: InitializeResult["capabilities"] = {};

  /** Makes a client; {@linkcode LanguageServer.start} starts the server. */
  constructor(options: LanguageServerOptions) {
    this.#options = options;
    const { timeout = 30_000, settings } = options;
    this.#peer = new LSPPeer({
      timeout,
      methods: {
        "workspace/configuration": ({ items }: { items: unknown[] }) =>
          items.map(() => settings),
        "client/registerCapability": () => null,
        "window/workDoneProgress/create": () => null,
      },
    });
  }

  /** Starts the server, and does the handshake with it. */
  async start(options?: { signal?: AbortSignal }): Promise<void> {
    const { command, args, cwd, root, settings } = this.#options;
    const peer = this.#peer;
    await peer.connect(stdio({ command, args, cwd }), options);
    try {
      const { capabilities } = await peer.request("initialize", {
        processId: null,
        rootUri: root,
        capabilities: { workspace: { configuration: settings !== undefined } },
        initializationOptions: settings,
        workspaceFolders: [{ uri: root, name: "project" }],
      }, options);
      this.#capabilities = capabilities;
      await peer.notify("initialized", {});
    } catch (error) {
      await peer.disconnect({ reason: error }).catch(() => {});
      throw error;
    }
  }

  /** What the server can do. */
  get capabilities(): InitializeResult["capabilities"] {
    return this.#capabilities;
  }

  /** Opens a text, by the URL of its file. */
  async open(uri: string, languageId: string, text: string): Promise<void> {
    await this.#peer.notify("textDocument/didOpen", {
      textDocument: { uri, languageId, version: 1, text },
    });
  }

  /** The diagnostics of a text, each time that the server sends them from now on. */
  diagnostics(
    uri: string,
    options?: { signal?: AbortSignal },
  ): EventQueue<Report> {
    return this.#peer.notifications("textDocument/publishDiagnostics", {
      ...options,
      filter: (report) => (report as Report).params.uri === uri,
    }) as EventQueue<Report>;
  }

  /** A request about a place in a text, such as `hover` or `completion`. */
  at(
    method: "hover" | "completion" | "definition" | "references",
    uri: string,
    position: Position,
    options?: { signal?: AbortSignal },
  ): Promise<unknown> {
    const params = { textDocument: { uri }, position };
    return this.#peer.request(`textDocument/${method}`, params, options);
  }

  /** The symbols in a text. */
  symbols(uri: string): Promise<{ name: string }[]> {
    const params = { textDocument: { uri } };
    return this.#peer.request("textDocument/documentSymbol", params);
  }

  /** Shuts the server down in order; a process that does not end is killed. */
  async stop(): Promise<void> {
    await this.#peer.request("shutdown");
    await this.#peer.notify("exit");
    await this.#peer[Symbol.asyncDispose]();
  }

  /** Ends the server, in order if it answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch((reason) =>
      this.#peer.disconnect({ reason }).catch(() => {})
    );
  }
}
