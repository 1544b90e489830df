export * from "./transports/mod.ts";
export * from "./protocol/mod.ts";
export * from "./qmp/mod.ts";
