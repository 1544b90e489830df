import { ProtocolError } from "@parley/parley";
import type { Frontend } from "./messages.ts";

const MECHANISM = "SCRAM-SHA-256";
/** More would keep the processor busy: a server has 4,096 unless told. */
const MAX_ITERATIONS = 1_000_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), one message a step. */
export class Scram {
  readonly #password: string;
  readonly #nonce = crypto.getRandomValues(new Uint8Array(18)).toBase64();
  #step: "initial" | "first" | "final" | "verified" = "initial";
  #serverSignature = "";

  constructor(password: string) {
    this.#password = password.normalize("NFKC");
  }

  /** Answers a request of the server; undefined if there is nothing to say. */
  async answer(code: number, data: Uint8Array): Promise<Frontend | undefined> {
    const text = decoder.decode(data);
    const key = `${this.#step} ${code}`;
    switch (key) {
      case "initial 0": // the server trusts us without a password
      case "verified 0":
        return undefined;
      case "initial 10":
        return this.#first(text.split("\0"));
      case "first 11":
        return { type: "SASLResponse", body: [await this.#prove(text)] };
      case "final 12":
        return this.#verify(text);
      default:
        throw new ProtocolError(
          `Server asks for authentication ${code} in step ${this.#step}: only SCRAM-SHA-256 is known`,
        );
    }
  }

  #first(mechanisms: string[]): Frontend {
    if (!mechanisms.includes(MECHANISM)) {
      throw new ProtocolError(
        `Server knows ${mechanisms}: ${MECHANISM} was expected`,
      );
    }
    this.#step = "first";
    // PostgreSQL takes the user of the session, whatever is said here.
    const data = encoder.encode(`n,,n=,r=${this.#nonce}`);
    const body = [`${MECHANISM}\0`, data.length, data];
    return { type: "SASLInitialResponse", body };
  }

  /** The proof of the password, for the server's challenge. */
  async #prove(challenge: string): Promise<Uint8Array> {
    const { r: nonce = "", s: salt = "", i = "" } = attributes(challenge);
    const iterations = Number(i);
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) {
      throw new ProtocolError(
        "SCRAM: the server's nonce does not continue ours",
      );
    }
    if (!(iterations >= 1 && iterations <= MAX_ITERATIONS)) {
      throw new ProtocolError(
        `SCRAM: iteration count is ${i}: it must be 1 to ${MAX_ITERATIONS}`,
      );
    }
    const password = encoder.encode(this.#password);
    const key = await crypto.subtle
      .importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derivation = { salt: Uint8Array.fromBase64(salt), iterations };
    const salted = await crypto.subtle
      .deriveBits({ name: "PBKDF2", hash: "SHA-256", ...derivation }, key, 256);
    const clientKey = await hmac(salted, "Client Key");
    const storedKey = await crypto.subtle.digest("SHA-256", clientKey);
    const withoutProof = `c=biws,r=${nonce}`; // biws: no channel binding
    const signed = `n=,r=${this.#nonce},${challenge},${withoutProof}`;
    const signature = await hmac(storedKey, signed);
    const serverKey = await hmac(salted, "Server Key");
    this.#serverSignature = (await hmac(serverKey, signed)).toBase64();
    this.#step = "final";
    const proof = clientKey.map((byte, at) => byte ^ (signature[at] ?? 0));
    return encoder.encode(`${withoutProof},p=${proof.toBase64()}`);
  }

  /** Checks that the server knows the password, too: else it is an impostor. */
  #verify(answer: string): undefined {
    if (attributes(answer).v !== this.#serverSignature) {
      throw new ProtocolError("SCRAM: the server does not know the password");
    }
    this.#step = "verified";
  }
}

async function hmac(
  key: BufferSource,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
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
