export * from "./async_protocol.ts";
export * from "./errors.ts";
export * from "./peer.ts";
export { Runstate } from "./runstate.ts";
export type { ProtocolStats } from "./stats.ts";
export * from "./codecs/mod.ts";
