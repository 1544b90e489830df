/**
 * Message protocols over any byte stream: transports, sessions, codecs, JSON-RPC
 * and QMP. `README.md` lists the entry points.
 *
 * @example A server of lines over TCP, and a client
 * ```ts
 * import { lines, Peer, serve, tcp } from "@parley/parley";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends Peer<string> {
 *   protected override onMessage(line: string): Promise<void> {
 *     return this.send(line);
 *   }
 * }
 *
 * const listener = await tcp({ port: 0 }).listen();
 * const transport = tcp(listener.address);
 * await using server = serve(listener, () => new Echo({ codec: lines }));
 *
 * await using client = new Peer({ codec: lines });
 * await client.connect(transport);
 * await client.send("hello");
 * assertEquals(await client.receive(), "hello");
 * ```
 *
 * @module
 */
export * from "./transports/mod.ts";
export * from "./protocol/mod.ts";
export * from "./jsonrpc/mod.ts";
export * from "./qmp/mod.ts";
// The one for every protocol; the one with QMP's listeners is in qmp/mod.ts.
export { reconnecting } from "./protocol/mod.ts";
