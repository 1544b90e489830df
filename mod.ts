export * from "./transports/mod.ts";
export * from "./protocol/mod.ts";
export * from "./jsonrpc/mod.ts";
export * from "./qmp/mod.ts";
// The one for every protocol; the one with QMP's listeners is in qmp/mod.ts.
export { reconnecting } from "./protocol/mod.ts";
