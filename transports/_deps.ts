// @ts-types="../typed_std/async.d.ts"
export { retry, RetryError } from "npm:deno-std@1.4.0/async/retry.js";
// @ts-types="../typed_std/async.d.ts"
export { delay } from "npm:deno-std@1.4.0/async/delay.js";
