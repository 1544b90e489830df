// deno-lint-ignore-file no-import-prefix -- importers by URL have no import map
// @ts-types="../typed_std/async.d.ts"
export { retry, RetryError } from "npm:deno-std@1.4.0/async/retry.js";
// @ts-types="../typed_std/async.d.ts"
export { delay } from "npm:deno-std@1.4.0/async/delay.js";

/** Reading of certificates, which takes 60 ms to load: where it is needed. */
export async function loadAsn1(): Promise<
  & typeof import("npm:@peculiar/asn1-schema@2.11.1")
  & typeof import("npm:@peculiar/asn1-x509@2.11.1")
> {
  return {
    ...await import("npm:@peculiar/asn1-schema@2.11.1"),
    ...await import("npm:@peculiar/asn1-x509@2.11.1"),
  };
}
