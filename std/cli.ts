// deno-lint-ignore-file no-import-prefix
// @ts-types="./cli.d.ts"
export * from "npm:deno-std@1.4.0/cli/mod.js";
