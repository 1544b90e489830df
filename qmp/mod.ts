export * from "./client.ts";
export * from "./errors.ts";
export type * from "./event_listener.ts";
export type * from "./messages.ts";
export type * from "./schema.ts";
