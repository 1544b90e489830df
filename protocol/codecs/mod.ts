export * from "./codec.ts";
export * from "./read_buffer.ts";
export * from "./write_buffer.ts";
