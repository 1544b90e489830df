export * from "./errors.ts";
export * from "./runstate.ts";
export * from "./codecs/mod.ts";
