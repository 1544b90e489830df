import { ProtocolError } from "@parley/parley";
import type { Backend, Frontend } from "./messages.ts";

const MECHANISM = "SCRAM-SHA-256";
/** More would keep the processor busy: a server has 4,096 unless told. */
const MAX_ITERATIONS = 1_000_000;
const encoder = new TextEncoder();

/** Sends a message if there is one, and waits for the next one of the server. */
export type Ask = (message?: Frontend) => Promise<Backend>;

/**
 * Logs in: without a password if the server trusts us, or by SCRAM-SHA-256
 * (RFC 5802, RFC 7677).
 */
export async function logIn(password: string, ask: Ask): Promise<void> {
  const request = await ask();
  if (request.type === "Authentication" && request.body.code === 0) return;
  const mechanisms = dataOf(request, 10);
  const isKnown = mechanisms.split("\0").includes(MECHANISM);
  check(isKnown, `the server knows ${mechanisms.replaceAll("\0", " ")}`);
  const ourNonce = crypto.getRandomValues(new Uint8Array(18)).toBase64();
  // PostgreSQL takes the user of the session, whatever is said here.
  const first = `n=,r=${ourNonce}`;
  const body = [`${MECHANISM}\0`, 3 + first.length, `n,,${first}`];
  const second = await ask({ type: "SASLInitialResponse", body });

  const challenge = dataOf(second, 11);
  const { r: nonce = "", s: salt = "", i = "" } = attributes(challenge);
  const isLonger = nonce.startsWith(ourNonce) && nonce !== ourNonce;
  check(isLonger, "the server's nonce does not continue ours");
  const iterations = Number(i);
  const isInRange = iterations >= 1 && iterations <= MAX_ITERATIONS;
  check(isInRange, `${i} iterations: expected 1 to ${MAX_ITERATIONS}`);
  const salted = await saltedPassword(password, salt, iterations);
  const clientKey = await hmac(salted, "Client Key");
  const storedKey = await crypto.subtle.digest("SHA-256", clientKey);
  const final = `c=biws,r=${nonce}`; // biws: no channel binding
  const signed = `${first},${challenge},${final}`;
  const signature = await hmac(storedKey, signed);
  const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
  const response = `${final},p=${proof.toBase64()}`;
  const third = await ask({ type: "SASLResponse", body: [response] });

  const { v: verifier } = attributes(dataOf(third, 12));
  const serverKey = await hmac(salted, "Server Key");
  const expected = (await hmac(serverKey, signed)).toBase64();
  check(verifier === expected, "the server does not know the password");
  dataOf(await ask(), 0);
}

function check(isRight: boolean, otherwise: string): asserts isRight {
  if (!isRight) throw new ProtocolError(`${MECHANISM}: ${otherwise}`);
}

/** The data of a request, which must have this code. */
function dataOf(message: Backend, expected: number): string {
  check(message.type === "Authentication", `the server sent ${message.type}`);
  const { code, data } = message.body;
  check(code === expected, `the server asks for ${code}, not ${expected}`);
  return new TextDecoder().decode(data);
}

async function saltedPassword(
  password: string,
  salt: string,
  iterations: number,
): Promise<ArrayBuffer> {
  const bytes = encoder.encode(password.normalize("NFKC"));
  const key = await crypto.subtle
    .importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const algorithm = {
    name: "PBKDF2",
    hash: "SHA-256",
    salt: Uint8Array.fromBase64(salt),
    iterations,
  };
  return await crypto.subtle.deriveBits(algorithm, key, 256);
}

async function hmac(key: BufferSource, text: string) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle
    .importKey("raw", key, algorithm, false, ["sign"]);
  const bytes = encoder.encode(text);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, bytes));
}

/** The attributes of a message such as `r=…,s=…,i=4096`. */
function attributes(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((part) => [part[0], part.slice(2)]),
  );
}
