/**
 * JSON-RPC as the Language Server Protocol 3.17 has it: messages behind a
 * `Content-Length` header, `$/cancelRequest` and `$/progress`.
 *
 * @example A language server, and an editor that starts and stops it
 * ```ts
 * import { LSPPeer } from "@parley/parley/jsonrpc/lsp";
 * import { memoryPair } from "@parley/parley/transports";
 * import { assertEquals } from "@std/assert";
 *
 * const [near, far] = memoryPair();
 * await using server = new LSPPeer({
 *   methods: {
 *     initialize: () => ({ capabilities: { hoverProvider: true } }),
 *     shutdown: () => null,
 *     exit() {},
 *   },
 * });
 * await using editor = new LSPPeer({ timeout: 10_000 });
 * await Promise.all([server.connect(far), editor.connect(near)]);
 *
 * const { capabilities } = await editor.request("initialize", {
 *   processId: null,
 *   rootUri: null,
 *   capabilities: {},
 * });
 * assertEquals(capabilities, { hoverProvider: true });
 * await editor.notify("initialized", {});
 * assertEquals(await editor.request("shutdown"), null);
 * await editor.notify("exit");
 * await editor.disconnect();
 * ```
 *
 * @module
 */
export * from "./mod.ts";
import { contentLength } from "../protocol/codecs/content_length.ts";
import { json } from "../protocol/codecs/json.ts";
import { BAD_MESSAGES } from "./_peer/bad_messages.ts";
import type { AnyMethods } from "./methods.ts";
import { JSONRPCPeer } from "./peer.ts";
import type { JSONRPCPeerOptions } from "./peer_options.ts";

/** The params of `initialize`. */
export interface InitializeParams {
  /** The id of the process that started the server, or null. */
  processId: number | null;
  /** The URI of the workspace's root folder, or null. */
  rootUri: string | null;
  /** The client's capabilities, as the protocol defines them. */
  capabilities: Record<string, unknown>;
  /** The name and version of the client. */
  clientInfo?: { name: string; version?: string | undefined } | undefined;
  /** Options that are specific to the server. */
  initializationOptions?: unknown;
  /** The folders of the workspace, or null. */
  workspaceFolders?: { uri: string; name: string }[] | null | undefined;
}

/** The result of `initialize`. */
export interface InitializeResult {
  /** The server's capabilities, as the protocol defines them. */
  capabilities: Record<string, unknown>;
  /** The name and version of the server. */
  serverInfo?: { name: string; version?: string | undefined } | undefined;
}

/** The methods that start and end a session. Other methods are not typed. */
export type LSPMethods = AnyMethods & {
  /** The first request. */
  initialize(params: InitializeParams): InitializeResult;
  /** The client is ready. */
  initialized(params: Record<string, never>): void;
  /** Asks the server to prepare for its end. */
  shutdown(): null;
  /** Tells the server to exit. */
  exit(): void;
};

/** Options of an {@linkcode LSPPeer}: codec and dialect are fixed. */
export type LSPPeerOptions<Local = LSPMethods> = Omit<
  JSONRPCPeerOptions<Local>,
  "codec" | "cancellation"
>;

/** An editor or a language server: a `JSONRPCPeer` with framing and dialect. */
export class LSPPeer<Remote = LSPMethods, Local = Remote>
  extends JSONRPCPeer<Remote, Local> {
  /**
   * Makes a peer that is `idle`.
   *
   * @throws {TypeError} An option has the wrong type.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: LSPPeerOptions<Local> = {}) {
    super({
      ...options,
      codec: (limits) => json(contentLength(limits), BAD_MESSAGES),
      cancellation: "lsp",
    });
  }
}
