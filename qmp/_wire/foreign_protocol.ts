import { DecodeError, type ReadBuffer } from "../../protocol/mod.ts";
import { BadInput } from "./bad_input.ts";

/** The first two bytes of a TLS handshake (RFC 8446 §5.1). */
const TLS_HANDSHAKE = "\x16\x03";
/** A word: the first line of HTTP, SSH, SMTP, FTP and others begins with one. */
const WORD = /^[A-Za-z]{2}/;
/** Shown in the error: the method of a request, and nothing secret behind it. */
const EXCERPT_BYTES = 8;

/**
 * Whether the first bytes of a client are of another protocol. A web page can
 * have a browser send a request whose body is a command; no client of QMP begins
 * like it. `undefined` means that one more byte is needed to tell.
 */
export function isForeign(input: ReadBuffer): boolean | undefined {
  const first = String.fromCharCode(...input.subarray(0, 2));
  if (first === TLS_HANDSHAKE || WORD.test(first)) return true;
  return input.length < 2 && /[A-Za-z]/.test(first) ? undefined : false;
}

/** Input of another protocol. */
export function foreignInput(input: ReadBuffer): BadInput {
  const bytes = input.subarray(0, EXCERPT_BYTES);
  const { offset } = input;
  return new BadInput(
    "JSON parse error, input is of another protocol",
    new DecodeError("Client speaks another protocol than QMP", {
      offset,
      bytes,
    }),
  );
}
