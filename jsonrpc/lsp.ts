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
import { text } from "../protocol/codecs/text.ts";
import { jsonTexts } from "./_peer/json_texts.ts";
import type { AnyMethods } from "./methods.ts";
import { JSONRPCPeer } from "./peer.ts";
import type { JSONRPCPeerOptions } from "./peer_options.ts";

/** The params of `initialize`. */
export interface InitializeParams {
  /** The process that has started the server; null if there is none. */
  processId: number | null;
  /** The root folder of the workspace; null if there is none. */
  rootUri: string | null;
  /** What the client can do, as the protocol says. */
  capabilities: Record<string, unknown>;
  /** The name and version of the client. */
  clientInfo?: { name: string; version?: string };
  /** Whatever the server takes. */
  initializationOptions?: unknown;
  /** Folders of the workspace; null if there are none. */
  workspaceFolders?: { uri: string; name: string }[] | null;
}

/** The result of `initialize`. */
export interface InitializeResult {
  /** What the server can do, as the protocol says. */
  capabilities: Record<string, unknown>;
  /** The name and version of the server. */
  serverInfo?: { name: string; version?: string };
}

/** The methods of the handshake, and of the end; all others are not typed. */
export type LSPMethods = AnyMethods & {
  /** The first request. */
  initialize(params: InitializeParams): InitializeResult;
  /** The client is ready. */
  initialized(params: Record<string, never>): void;
  /** The server is to get ready for its end. */
  shutdown(): null;
  /** The server is to end. */
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
      codec: (limits) => jsonTexts(text(contentLength(limits))),
      cancellation: "lsp",
    });
  }
}
