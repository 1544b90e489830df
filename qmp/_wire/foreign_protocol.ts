import { type CodecInput, DecodeError } from "../../protocol/mod.ts";
import { BadInput } from "./bad_input.ts";

/** The first two bytes of a TLS handshake (RFC 8446 §5.1). */
const TLS_HANDSHAKE = "\x16\x03";
/** The first line of HTTP, SSH, SMTP, FTP and others begins with a word. */
const WORD = /^[A-Za-z]{2}/;
/** The error shows the method of a request, but no secret after it. */
const EXCERPT_BYTES = 8;

/**
 * Whether the first bytes of a client are of another protocol. A web page can
 * make a browser send a request whose body is a command, but no client of QMP
 * begins like a request. The result is `undefined` if one more byte is needed.
 */
export function isForeign(input: CodecInput): boolean | undefined {
  const first = String.fromCharCode(...input.subarray(0, 2));
  if (first === TLS_HANDSHAKE || WORD.test(first)) return true;
  return input.length < 2 && /[A-Za-z]/.test(first) ? undefined : false;
}

/** Input of another protocol. */
export function foreignInput(input: CodecInput): BadInput {
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
