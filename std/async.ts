// deno-lint-ignore-file no-import-prefix
// @ts-types="./async.d.ts"
export * from "npm:deno-std@1.4.0/async/mod.js";
